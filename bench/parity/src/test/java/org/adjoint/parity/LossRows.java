package org.adjoint.parity;

import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.function.BiFunction;
import org.adjoint.Tensor;
import org.adjoint.graph.CrossEntropyOptions;
import org.adjoint.graph.Reduction;
import org.adjoint.graph.Shape;

/** Losses, with every reduction. In PyTorch's operators 0 is none, 1 the mean, 2 the sum. */
final class LossRows {
    /** A loss of two tensors. */
    private interface Loss {
        Tensor apply(Tensor x, Tensor target, Reduction reduction);
    }

    private LossRows() { }

    static List<Row> rows() {
        return List.of(
            loss("mseLoss with a reduction", "torch.mse_loss(x0, x1, %d)", Tensor::mseLoss, Draw::any).cancelling(),
            loss("l1Loss", "torch.l1_loss(x0, x1, %d)", Tensor::l1Loss, Draw::any).cancelling(),
            loss("huberLoss", "torch.huber_loss(x0, x1, %d, 0.75)", (x, t, r) -> x.huberLoss(t, 0.75, r), Draw::any)
                .cancelling(),
            loss("smoothL1Loss", "torch.smooth_l1_loss(x0, x1, %d, 0.75)", (x, t, r) -> x.smoothL1Loss(t, 0.75, r),
                Draw::any).cancelling(),
            loss("binaryCrossEntropy", "torch.binary_cross_entropy(torch.sigmoid(x0), x1, None, %d)",
                (x, t, r) -> x.sigmoid().binaryCrossEntropy(t, r), (draw, shape) -> draw.uniform(shape, 0, 1))
                .cancelling(),
            loss("klDivergence", "torch.kl_div(torch.log_softmax(x0, -1), torch.softmax(x1, -1), %d)",
                (x, t, r) -> x.logSoftmax(-1).klDivergence(t.softmax(-1), r), Draw::any).cancelling(),
            loss("klDivergenceOfLogs",
                "torch.kl_div(torch.log_softmax(x0, -1), torch.log_softmax(x1, -1), %d, log_target=True)",
                (x, t, r) -> x.logSoftmax(-1).klDivergenceOfLogs(t.logSoftmax(-1), r), Draw::any).cancelling(),
            Row.of("cosineSimilarity", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.axis(shape);
                return Case.of(x -> x[0].cosineSimilarity(x[1], axis), "torch.cosine_similarity(x0, x1, " + axis + ")",
                    draw.any(shape), draw.any(shape));
            }).cancelling(),
            Row.of("crossEntropy with options", draw -> {
                int rows = draw.integer(2, 33);
                int classes = draw.integer(2, 40);
                Reduction reduction = draw.oneOf(Reduction.MEAN, Reduction.SUM, Reduction.NONE);
                double smoothing = draw.number(0, 0.5);
                return Case.of(x -> x[0].crossEntropy(x[1], x[2].stopGradient(), new CrossEntropyOptions(reduction,
                        OptionalLong.of(1), smoothing)),
                    "torch.cross_entropy_loss(x0, x1, x2.detach(), %d, 1, %s)".formatted(number(reduction), smoothing),
                    draw.any(rows, classes), draw.indices(Shape.of(rows), classes),
                    draw.uniform(Shape.of(classes), 0.5, 2));
            }).cancelling(),
            Row.of("crossEntropy of probabilities", draw -> {
                int rows = draw.integer(2, 33);
                int classes = draw.integer(2, 40);
                return Case.of(x -> x[0].crossEntropy(x[1].softmax(-1)),
                    "torch.cross_entropy_loss(x0, torch.softmax(x1, -1))", draw.any(rows, classes),
                    draw.any(rows, classes));
            }).cancelling(),
            Row.of("nllLoss", draw -> {
                int rows = draw.integer(2, 33);
                int classes = draw.integer(2, 40);
                return Case.of(x -> x[0].logSoftmax(-1).nllLoss(x[1]), "torch.nll_loss(torch.log_softmax(x0, -1), x1)",
                    draw.any(rows, classes), draw.indices(Shape.of(rows), classes));
            }).cancelling());
    }

    private static Row loss(String name, String torch, Loss ours, BiFunction<Draw, Shape, Argument> targets) {
        return Row.of(name, draw -> {
            Shape shape = draw.shape(1, 3);
            Reduction reduction = draw.oneOf(Reduction.MEAN, Reduction.SUM, Reduction.NONE);
            return Case.of(x -> ours.apply(x[0], x[1], reduction),
                String.format(Locale.ROOT, torch, number(reduction)), draw.any(shape), targets.apply(draw, shape));
        });
    }

    private static int number(Reduction reduction) {
        return switch (reduction) {
            case NONE -> 0;
            case MEAN -> 1;
            case SUM -> 2;
            case BATCH_MEAN -> throw new IllegalArgumentException("no operator of PyTorch's takes it");
        };
    }
}
