package org.adjoint;

import org.adjoint.graph.ClassLossOps;
import org.adjoint.graph.CrossEntropyOptions;
import org.adjoint.graph.LossOps;
import org.adjoint.graph.Reduction;

/**
 * Losses of a {@link Tensor} of predictions against targets, as PyTorch's {@code torch.nn.functional}: a mean, a
 * scalar, unless told. Losses of 16-bit tensors are {@code F32}. Weights of single elements, PyTorch's {@code weight},
 * multiply what {@link Reduction#NONE} gives: {@code x.mseLoss(t, Reduction.NONE).mul(weights).mean()}.
 */
public sealed interface LossMethods permits Tensor {
    private Tensor self() {
        return (Tensor) this;
    }

    /**
     * The loss of logits {@code (..., classes)}.
     *
     * @param targets classes {@code (...)}, {@code I32} or {@code I64}, or probabilities {@code (..., classes)},
     *     floating
     */
    default Tensor crossEntropy(Tensor targets) {
        return crossEntropy(targets, CrossEntropyOptions.DEFAULT);
    }

    default Tensor crossEntropy(Tensor targets, CrossEntropyOptions options) {
        return self().zip("crossEntropy", targets, (x, t) -> ClassLossOps.crossEntropy(x, t, null, options));
    }

    /**
     * As {@link #crossEntropy(Tensor)} with a weight for each class, {@code (classes)}. The mean over target classes
     * divides by their weights' sum, the mean over probabilities by the number of rows, as in PyTorch.
     */
    default Tensor crossEntropy(Tensor targets, Tensor weights, CrossEntropyOptions options) {
        return self().apply("crossEntropy", x -> ClassLossOps.crossEntropy(x.get(0), x.get(1), x.get(2), options),
            targets, weights);
    }

    /** The negative log-likelihood of target classes {@code (...)}, for log-probabilities {@code (..., classes)}. */
    default Tensor nllLoss(Tensor targets) {
        return nllLoss(targets, CrossEntropyOptions.DEFAULT);
    }

    default Tensor nllLoss(Tensor targets, CrossEntropyOptions options) {
        return self().zip("nllLoss", targets, (x, t) -> ClassLossOps.nllLoss(x, t, null, options));
    }

    /** As {@link #nllLoss(Tensor)} with a weight for each class, {@code (classes)}. */
    default Tensor nllLoss(Tensor targets, Tensor weights, CrossEntropyOptions options) {
        return self().apply("nllLoss", x -> ClassLossOps.nllLoss(x.get(0), x.get(1), x.get(2), options), targets,
            weights);
    }

    /** The squared difference. */
    default Tensor mseLoss(Tensor target) {
        return mseLoss(target, Reduction.MEAN);
    }

    default Tensor mseLoss(Tensor target, Reduction reduction) {
        return self().zip("mseLoss", target, (x, t) -> LossOps.mseLoss(x, t, reduction));
    }

    /** The absolute difference. */
    default Tensor l1Loss(Tensor target) {
        return l1Loss(target, Reduction.MEAN);
    }

    default Tensor l1Loss(Tensor target, Reduction reduction) {
        return self().zip("l1Loss", target, (x, t) -> LossOps.l1Loss(x, t, reduction));
    }

    /** Half the squared difference, linear from {@code delta} on (Huber, 1964). */
    default Tensor huberLoss(Tensor target, double delta) {
        return huberLoss(target, delta, Reduction.MEAN);
    }

    default Tensor huberLoss(Tensor target, double delta, Reduction reduction) {
        return self().zip("huberLoss", target, (x, t) -> LossOps.huberLoss(x, t, delta, reduction));
    }

    /** The absolute difference, quadratic below {@code beta} (Girshick, "Fast R-CNN", 2015). */
    default Tensor smoothL1Loss(Tensor target, double beta) {
        return smoothL1Loss(target, beta, Reduction.MEAN);
    }

    default Tensor smoothL1Loss(Tensor target, double beta, Reduction reduction) {
        return self().zip("smoothL1Loss", target, (x, t) -> LossOps.smoothL1Loss(x, t, beta, reduction));
    }

    /** The loss of probabilities for targets in [0, 1] of one shape; see {@link LossOps#binaryCrossEntropy}. */
    default Tensor binaryCrossEntropy(Tensor targets) {
        return binaryCrossEntropy(targets, Reduction.MEAN);
    }

    default Tensor binaryCrossEntropy(Tensor targets, Reduction reduction) {
        return self().zip("binaryCrossEntropy", targets, (x, t) -> LossOps.binaryCrossEntropy(x, t, reduction));
    }

    /** The loss of logits for targets in [0, 1] of one shape. */
    default Tensor binaryCrossEntropyWithLogits(Tensor targets) {
        return binaryCrossEntropyWithLogits(targets, Reduction.MEAN);
    }

    default Tensor binaryCrossEntropyWithLogits(Tensor targets, Reduction reduction) {
        return self().zip("binaryCrossEntropyWithLogits", targets,
            (x, t) -> LossOps.binaryCrossEntropyWithLogits(x, t, null, reduction));
    }

    /**
     * As {@link #binaryCrossEntropyWithLogits(Tensor)}; what a target of 1 loses counts {@code positiveWeights} times.
     */
    default Tensor binaryCrossEntropyWithLogits(Tensor targets, Tensor positiveWeights, Reduction reduction) {
        return self().apply("binaryCrossEntropyWithLogits",
            x -> LossOps.binaryCrossEntropyWithLogits(x.get(0), x.get(1), x.get(2), reduction), targets,
            positiveWeights);
    }

    /**
     * {@code t (log t - x)} for log-probabilities x and probabilities t. {@link Reduction#BATCH_MEAN} gives the
     * Kullback-Leibler divergence of rows of classes, {@link Reduction#MEAN} does not.
     */
    default Tensor klDivergence(Tensor targets, Reduction reduction) {
        return self().zip("klDivergence", targets, (x, t) -> LossOps.klDivergence(x, t, reduction));
    }

    /** As {@link #klDivergence} for the logarithms of the targets. */
    default Tensor klDivergenceOfLogs(Tensor logTargets, Reduction reduction) {
        return self().zip("klDivergenceOfLogs", logTargets, (x, t) -> LossOps.klDivergenceOfLogs(x, t, reduction));
    }

    /** {@code max(0, margin - t x)} for scores x and targets of 1 and -1. */
    default Tensor hingeLoss(Tensor targets, double margin, Reduction reduction) {
        return self().zip("hingeLoss", targets, (x, t) -> LossOps.hingeLoss(x, t, margin, reduction));
    }

    /** For distances x: x where the target is 1, {@code max(0, margin - x)} where it is -1. */
    default Tensor hingeEmbeddingLoss(Tensor targets, double margin, Reduction reduction) {
        return self().zip("hingeEmbeddingLoss", targets, (x, t) -> LossOps.hingeEmbeddingLoss(x, t, margin, reduction));
    }

    /** The cosine of the angle between vectors along an axis; lengths count as 1e-8 at least. */
    default Tensor cosineSimilarity(Tensor other, int axis) {
        return cosineSimilarity(other, axis, 1e-8);
    }

    default Tensor cosineSimilarity(Tensor other, int axis, double epsilon) {
        return self().zip("cosineSimilarity", other, (a, b) -> LossOps.cosineSimilarity(a, b, axis, epsilon));
    }

    /** For rows {@code (..., width)}: 1 - cos where the target is 1, {@code max(0, cos - margin)} where it is -1. */
    default Tensor cosineEmbeddingLoss(Tensor other, Tensor targets, double margin, Reduction reduction) {
        return self().combine("cosineEmbeddingLoss",
            x -> LossOps.cosineEmbeddingLoss(x.get(0), x.get(1), x.get(2), margin, reduction), other, targets);
    }
}
