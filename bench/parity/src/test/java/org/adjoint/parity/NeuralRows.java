package org.adjoint.parity;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.graph.AttentionOptions;
import org.adjoint.graph.DType;
import org.adjoint.graph.RotaryLayout;
import org.adjoint.graph.Shape;

/** Normalizations, losses, attention. */
final class NeuralRows {
    private NeuralRows() { }

    static List<Row> rows() {
        return List.of(
            ReductionRows.axis("softmax", "torch.softmax(x0, %d)", (x, axis) -> x.softmax(axis)).cancelling(),
            ReductionRows.axis("logSoftmax", "torch.log_softmax(x0, %d)", (x, axis) -> x.logSoftmax(axis)).cancelling(),
            Row.of("crossEntropy", draw -> {
                int rows = draw.integer(1, 33);
                int classes = draw.integer(2, 40);
                return Case.of(x -> x[0].crossEntropy(x[1]), "torch.cross_entropy_loss(x0, x1)",
                    draw.any(rows, classes), draw.indices(Shape.of(rows), classes));
            }),
            Row.of("mseLoss", draw -> {
                Shape shape = draw.shape(1, 3);
                return Case.of(x -> x[0].mseLoss(x[1]), "torch.mse_loss(x0, x1)", draw.any(shape), draw.any(shape));
            }),
            Row.of("binaryCrossEntropyWithLogits", draw -> {
                Shape shape = draw.shape(1, 3);
                return Case.of(x -> x[0].binaryCrossEntropyWithLogits(x[1]),
                    "torch.binary_cross_entropy_with_logits(x0, x1)", draw.uniform(shape, -5, 5),
                    draw.uniform(shape, 0, 1));
            }).cancelling(),
            Row.of("layerNorm", draw -> {
                Shape shape = wide(draw);
                long width = shape.extent(shape.rank() - 1);
                return Case.of(x -> x[0].layerNorm(x[1], x[2], 1e-5),
                    "torch.layer_norm(x0, [" + width + "], x1, x2, 1e-5)", draw.any(shape), draw.any(width),
                    draw.any(width));
            }).cancelling().bound(2, 64),
            Row.of("rmsNorm", draw -> {
                Shape shape = wide(draw);
                long width = shape.extent(shape.rank() - 1);
                return Case.of(x -> x[0].rmsNorm(x[1], 1e-5), "torch.rms_norm(x0, [" + width + "], x1, 1e-5)",
                    draw.any(shape), draw.any(width));
            }).cancelling().bound(2, 64),
            Row.of("layerNorm over two axes", draw -> Case.of(x -> x[0].layerNorm(2, 1e-5),
                "torch.layer_norm(x0, [4, 5], None, None, 1e-5)", draw.any(draw.integer(1, 7), 4, 5))).cancelling(),
            Row.of("batchNorm in training", draw -> {
                int channels = draw.integer(1, 5);
                return Case.of(x -> x[0].batchNorm(x[1], x[2], 1e-5).output(),
                    "torch.batch_norm(x0, x1, x2, None, None, True, 0.1, 1e-5, False)",
                    draw.any(draw.integer(2, 9), channels, draw.integer(2, 7)), draw.any(channels), draw.any(channels));
            }).cancelling(),
            Row.of("batchNorm in inference", draw -> {
                int channels = draw.integer(1, 5);
                // PyTorch's gradient takes vectors of any strides for contiguous ones.
                return Case.of(x -> x[0].batchNorm(x[1].stopGradient(), x[2].stopGradient(), x[3], x[4], 1e-5),
                    "torch.batch_norm(x0, x3.clone(), x4, x1.detach().clone(), x2.detach().clone(), False, 0.1, 1e-5, "
                        + "False)",
                    draw.any(draw.integer(1, 9), channels, draw.integer(1, 7)), draw.any(channels),
                    draw.uniform(Shape.of(channels), 0.5, 2), draw.any(channels), draw.any(channels));
            }).cancelling(),
            Row.of("groupNorm", draw -> {
                int groups = draw.integer(1, 3);
                return Case.of(x -> x[0].groupNorm(groups, x[1], x[2], 1e-5),
                    "torch.group_norm(x0, " + groups + ", x1, x2, 1e-5)",
                    draw.any(draw.integer(1, 5), 2 * groups, draw.integer(2, 7)), draw.any(2 * groups),
                    draw.any(2 * groups));
            }).cancelling(),
            Row.of("instanceNorm", draw -> Case.of(x -> x[0].instanceNorm(x[1], x[2], 1e-5),
                "torch.instance_norm(x0, x1, x2, None, None, True, 0.1, 1e-5, False)",
                draw.any(draw.integer(1, 5), 3, draw.integer(4, 9)), draw.any(3), draw.any(3))).cancelling(),
            Row.of("normalize", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.axis(shape);
                return Case.of(x -> x[0].normalize(2, axis),
                    "x0 / torch.clamp_min(torch.linalg_vector_norm(x0, 2, [" + axis + "], True), 1e-12)",
                    draw.notZero(shape));
            }).cancelling(),
            Row.of("attention with a mask", draw -> {
                int t = draw.integer(1, 9);
                int s = draw.integer(1, 9);
                return Case.of(x -> x[0].scaledDotProductAttention(x[1], x[2], seesTheFirst(x[3]),
                        AttentionOptions.DEFAULT.scale(0.3)),
                    "torch.scaled_dot_product_attention(x0, x1, x2, "
                        + "torch.cat([torch.ones_like(x3[:, :1]), x3[:, 1:]], 1), 0.0, False, scale=0.3)",
                    draw.any(2, 3, t, 4), draw.any(2, 3, s, 4), draw.any(2, 3, s, 4),
                    draw.mask(Shape.of(t, s)));
            }).cancelling(),
            Row.of("attention of grouped queries", draw -> {
                int t = draw.integer(1, 9);
                int heads = draw.integer(1, 2);
                return Case.of(x -> x[0].scaledDotProductAttention(x[1], x[2], AttentionOptions.CAUSAL),
                    "torch.scaled_dot_product_attention(x0, x1, x2, None, 0.0, True, enable_gqa=True)",
                    draw.any(2, 3 * heads, t, 4), draw.any(2, heads, t, 4), draw.any(2, heads, t, 4));
            }).cancelling(),
            Row.of("rotaryEmbedding", draw -> {
                int t = draw.integer(1, 9);
                String angles = "torch.outer(torch.arange(" + t + ").to(x0.dtype), "
                    + "torch.pow(10000.0, -torch.arange(0, 8, 2).to(x0.dtype) / 8))";
                String x = "x0[:, :, :4]";
                String y = "x0[:, :, 4:]";
                return Case.of(a -> a[0].rotaryEmbedding(a[0].device().arange(DType.I64, t), RotaryLayout.HALVES),
                    ("torch.cat([X * torch.cos(A) - Y * torch.sin(A), Y * torch.cos(A) + X * torch.sin(A)], -1)")
                        .replace("A", angles).replace("X", x).replace("Y", y), draw.any(2, t, 8));
            }).cancelling(),
            attention("attention", "False", false),
            attention("causal attention", "True", true),
            Row.of("attention with bias", draw -> {
                int t = draw.integer(1, 9);
                int s = draw.integer(1, 13);
                int d = draw.integer(1, 8);
                return Case.of(x -> x[0].attention(x[1], x[2], x[3], false),
                    "torch.scaled_dot_product_attention(x0, x1, x2, x3)", draw.any(2, 3, t, d), draw.any(2, 3, s, d),
                    draw.any(2, 3, s, d), draw.any(t, s));
            }).cancelling());
    }

    /**
     * Rows of three elements at least: of fewer, rounded statistics leave little but luck to either library. Where
     * three are close to each other, their rounded mean still is most of a gradient's error, in both.
     */
    private static Shape wide(Draw draw) {
        Shape shape = draw.shape(1, 3);
        int last = shape.rank() - 1;
        return shape.extent(last) < 3 ? shape.with(last, 3) : shape;
    }

    /** A mask that leaves each query its first key: PyTorch gives NaN where there is none. */
    private static Tensor seesTheFirst(Tensor mask) {
        return mask.or(mask.device().arange(DType.I64, mask.shape().extent(1)).equal(0));
    }

    private static Row attention(String name, String isCausal, boolean causal) {
        return Row.of(name, draw -> {
            int t = draw.integer(1, 17);
            int d = draw.integer(1, 8);
            return Case.of(x -> x[0].attention(x[1], x[2], causal),
                "torch.scaled_dot_product_attention(x0, x1, x2, None, 0.0, " + isCausal + ")", draw.any(2, 3, t, d),
                draw.any(2, 3, t, d), draw.any(2, 3, t, d));
        }).cancelling();
    }
}
