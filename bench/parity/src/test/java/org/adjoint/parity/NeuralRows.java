package org.adjoint.parity;

import java.util.List;
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
                Shape shape = draw.shape(1, 3).with(0, 4);
                long width = shape.extent(shape.rank() - 1);
                return Case.of(x -> x[0].layerNorm(x[1], x[2], 1e-5),
                    "torch.layer_norm(x0, [" + width + "], x1, x2, 1e-5)", draw.any(shape), draw.any(width),
                    draw.any(width));
            }).cancelling().bound(8, 64),
            Row.of("rmsNorm", draw -> {
                Shape shape = draw.shape(1, 3);
                long width = shape.extent(shape.rank() - 1);
                return Case.of(x -> x[0].rmsNorm(x[1], 1e-5), "torch.rms_norm(x0, [" + width + "], x1, 1e-5)",
                    draw.any(shape), draw.any(width));
            }).cancelling().bound(8, 64),
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
