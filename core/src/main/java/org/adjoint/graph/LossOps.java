package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

/**
 * Losses of predictions, element by element or pair by pair, as PyTorch's {@code torch.nn.functional}. Losses of 16-bit
 * tensors are {@code F32}.
 *
 * <p>All methods throw {@link IllegalArgumentException} for operands that do not fit.
 */
public final class LossOps {
    /** The least logarithm that {@link #binaryCrossEntropy} counts with, as in PyTorch. */
    private static final double LEAST_LOG = -100;

    private LossOps() { }

    static Node reduced(String op, Node losses, Reduction reduction) {
        return switch (reduction) {
            case NONE -> losses;
            case MEAN -> mean(losses, false);
            case SUM -> sum(losses);
            case BATCH_MEAN -> {
                if (losses.shape().rank() == 0 || losses.shape().extent(0) == 0) {
                    throw error("%s: there is no batch to average over in %s", op, losses.shape());
                }
                yield mul(sum(losses), 1.0 / losses.shape().extent(0));
            }
        };
    }

    private static void requireSameShape(String op, String what, Node prediction, Node target) {
        requireFloating(op, prediction.dtype());
        if (!prediction.shape().equals(target.shape())) {
            throw error("%s: %s %s and target %s must have one shape", op, what, prediction.shape(), target.shape());
        }
    }

    private static Node difference(String op, Node prediction, Node target) {
        requireSameShape(op, "prediction", prediction, target);
        return sub(widen(prediction), widen(target));
    }

    private static void requirePositive(String op, String what, double value) {
        if (!(value > 0)) {
            throw error("%s: %s must be positive but is %s", op, what, value);
        }
    }

    /** {@code (x - t)^2} */
    public static Node mseLoss(Node prediction, Node target, Reduction reduction) {
        Node difference = difference("mseLoss", prediction, target);
        return reduced("mseLoss", mul(difference, difference), reduction);
    }

    /** {@code |x - t|} */
    public static Node l1Loss(Node prediction, Node target, Reduction reduction) {
        return reduced("l1Loss", abs(difference("l1Loss", prediction, target)), reduction);
    }

    /** {@code d^2 / 2} for {@code d = |x - t|} up to delta, from there the tangent {@code delta (d - delta / 2)}. */
    public static Node huberLoss(Node prediction, Node target, double delta, Reduction reduction) {
        requirePositive("huberLoss", "delta", delta);
        Node difference = difference("huberLoss", prediction, target);
        Node distance = abs(difference);
        Node losses = where(lessThan(distance, scalar(distance, delta)), mul(mul(difference, difference), 0.5),
            mul(sub(distance, 0.5 * delta), delta));
        return reduced("huberLoss", losses, reduction);
    }

    /** {@code d^2 / (2 beta)} for {@code d = |x - t|} below beta, else {@code d - beta / 2}; {@link #l1Loss} for 0. */
    public static Node smoothL1Loss(Node prediction, Node target, double beta, Reduction reduction) {
        if (!(beta >= 0)) {
            throw error("smoothL1Loss: beta must not be negative but is %s", beta);
        }
        Node difference = difference("smoothL1Loss", prediction, target);
        Node distance = abs(difference);
        Node losses = beta == 0 ? distance : where(lessThan(distance, scalar(distance, beta)),
            mul(mul(difference, difference), 0.5 / beta), sub(distance, 0.5 * beta));
        return reduced("smoothL1Loss", losses, reduction);
    }

    /**
     * {@code -t log p - (1 - t) log(1 - p)}. A logarithm counts as -100 at least, as in PyTorch: there its derivative
     * is 0. NaN for p outside of [0, 1].
     */
    public static Node binaryCrossEntropy(Node probabilities, Node targets, Reduction reduction) {
        requireSameShape("binaryCrossEntropy", "probabilities", probabilities, targets);
        Node p = widen(probabilities);
        Node t = cast(targets, p.dtype());
        Node least = fullLike(p, LEAST_LOG);
        Node none = lessThan(abs(p), scalar(p, StrictMath.exp(LEAST_LOG)));
        Node logHit = where(none, least, log(where(none, onesLike(p), p)));
        Node certain = equal(p, 1);
        Node logMiss = where(certain, least, log1p(neg(where(certain, zerosLike(p), p))));
        return reduced("binaryCrossEntropy", neg(add(mul(t, logHit), mul(sub(1, t), logMiss))), reduction);
    }

    /**
     * {@code -w t log s(x) - (1 - t) log(1 - s(x))} with the logistic function s: stable for logits x of any size.
     *
     * @param positiveWeights w, which broadcast to the logits, or null for ones
     */
    public static Node binaryCrossEntropyWithLogits(Node logits, Node targets, Node positiveWeights,
        Reduction reduction) {
        String op = "binaryCrossEntropyWithLogits";
        requireSameShape(op, "logits", logits, targets);
        Node x = widen(logits);
        Node t = cast(targets, x.dtype());
        if (positiveWeights == null) {
            // max(x, 0) - x t + log(1 + e^-|x|), its parts split at 0 so that each has both its derivatives there.
            Node negative = lessThan(x, zeroOf(x.dtype()));
            Node tail = log1p(exp(where(negative, x, neg(x))));
            return reduced(op, add(sub(where(negative, zerosLike(x), x), mul(x, t)), tail), reduction);
        }
        if (!positiveWeights.dtype().isFloating() || !positiveWeights.shape().broadcastsTo(x.shape())) {
            throw error("%s: positive weights %s must be floating and broadcast to the logits %s", op,
                positiveWeights.type(), logits.shape());
        }
        Node weight = add(mul(t, sub(cast(positiveWeights, x.dtype()), 1)), 1);
        Node softplus = ElementwiseOps.composed(ComposedOp.SOFTPLUS, neg(x));
        return reduced(op, add(mul(sub(1, t), x), mul(weight, softplus)), reduction);
    }

    /**
     * {@code t (log t - x)} for log-probabilities x: the Kullback-Leibler divergence from t when summed over classes.
     * Where t is 0 so is the loss.
     */
    public static Node klDivergence(Node logProbabilities, Node targets, Reduction reduction) {
        requireSameShape("klDivergence", "log-probabilities", logProbabilities, targets);
        Node x = widen(logProbabilities);
        Node t = cast(targets, x.dtype());
        Node none = equal(t, 0);
        Node entropy = mul(t, log(where(none, onesLike(t), t)));
        return reduced("klDivergence", sub(entropy, mul(t, x)), reduction);
    }

    /** As {@link #klDivergence} for the logarithms of the targets. */
    public static Node klDivergenceOfLogs(Node logProbabilities, Node logTargets, Reduction reduction) {
        requireSameShape("klDivergenceOfLogs", "log-probabilities", logProbabilities, logTargets);
        Node t = widen(logTargets);
        return reduced("klDivergenceOfLogs", mul(exp(t), sub(t, widen(logProbabilities))), reduction);
    }

    /** {@code x} where the target is 1, {@code max(0, margin - x)} where it is -1. */
    public static Node hingeEmbeddingLoss(Node distances, Node targets, double margin, Reduction reduction) {
        requireSameShape("hingeEmbeddingLoss", "distances", distances, targets);
        Node x = widen(distances);
        Node losses = where(equal(targets, 1), x, NeuralOps.relu(sub(margin, x)));
        return reduced("hingeEmbeddingLoss", losses, reduction);
    }

    /** {@code max(0, margin - t x)}: for scores x of a class and targets of 1 and -1. */
    public static Node hingeLoss(Node scores, Node targets, double margin, Reduction reduction) {
        requireSameShape("hingeLoss", "scores", scores, targets);
        Node x = widen(scores);
        return reduced("hingeLoss", NeuralOps.relu(sub(margin, mul(cast(targets, x.dtype()), x))), reduction);
    }

    /** {@code a b / (|a| |b|)} along an axis, of tensors that broadcast. A length counts as epsilon at least. */
    public static Node cosineSimilarity(Node a, Node b, int axis, double epsilon) {
        return cast(cosine(a, b, axis, epsilon), DType.promote(a.dtype(), b.dtype()));
    }

    private static Node cosine(Node a, Node b, int axis, double epsilon) {
        requirePositive("cosineSimilarity", "epsilon", epsilon);
        requireFloating("cosineSimilarity", a.dtype());
        requireFloating("cosineSimilarity", b.dtype());
        Shape shape = Shape.broadcast("cosineSimilarity", a.shape(), b.shape());
        int resolved = shape.axis("cosineSimilarity", axis);
        DType dtype = DType.promote(a.dtype(), b.dtype()).computeType();
        Node left = unit(broadcastTo(cast(a, dtype), shape), resolved, epsilon);
        Node right = unit(broadcastTo(cast(b, dtype), shape), resolved, epsilon);
        return reduce(ReduceOp.SUM, mul(left, right), false, resolved);
    }

    /** The square root's derivative is infinite at 0, so it is the square that is bounded. */
    private static Node unit(Node x, int axis, double epsilon) {
        Node squares = reduce(ReduceOp.SUM, mul(x, x), true, axis);
        return div(x, sqrt(max(squares, scalar(squares, epsilon * epsilon))));
    }

    /**
     * {@code 1 - cos} of rows {@code (..., width)} where the target is 1, {@code max(0, cos - margin)} where it is -1.
     */
    public static Node cosineEmbeddingLoss(Node a, Node b, Node targets, double margin, Reduction reduction) {
        Node cosine = cosine(a, b, -1, 1e-8);
        if (!cosine.shape().equals(targets.shape())) {
            throw error("cosineEmbeddingLoss: rows %s need targets %s, not %s", a.shape(), cosine.shape(),
                targets.shape());
        }
        Node losses = where(equal(targets, 1), sub(1, cosine), NeuralOps.relu(sub(cosine, margin)));
        return reduced("cosineEmbeddingLoss", losses, reduction);
    }
}
