package org.adjoint.graph;

import static org.adjoint.graph.IndexingOps.gather;
import static org.adjoint.graph.IndexingOps.requireIndices;
import static org.adjoint.graph.Ops.*;

import java.util.OptionalLong;

/**
 * Losses over classes, as PyTorch's {@code cross_entropy} and {@code nll_loss}, with the classes along the last axis.
 * Losses of 16-bit tensors are {@code F32}.
 *
 * <p>All methods throw {@link IllegalArgumentException} for operands that do not fit.
 */
public final class ClassLossOps {
    private ClassLossOps() { }

    /**
     * Losses of rows of logits {@code (..., classes)}.
     *
     * @param targets a class for each row {@code (...)}, {@code I32} or {@code I64}, or probabilities of the classes,
     *     floating, of the logits' shape
     * @param weights of the classes, {@code (classes)}, or null
     */
    public static Node crossEntropy(Node logits, Node targets, Node weights, CrossEntropyOptions options) {
        requireFloating("crossEntropy", logits.dtype());
        requireClasses("crossEntropy", "logits", logits, weights);
        return targets.dtype().isFloating() ? ofProbabilities(logits, targets, weights, options)
            : ofClasses(logits, targets, weights, options);
    }

    private static Node ofClasses(Node logits, Node targets, Node weights, CrossEntropyOptions options) {
        Rows rows = Rows.of("crossEntropy", "logits", logits, targets, options.ignoredIndex());
        Node losses = fused(new FusedOp.CrossEntropy(), rows.x, rows.targets);
        Node loss = losses.output(0);
        Node rowWeights = rows.weights(weights, loss.dtype());
        if (rowWeights != null) {
            loss = mul(loss, rowWeights);
        }
        if (options.labelSmoothing() > 0) {
            // -log p of every class
            Shape column = loss.shape().withTrailingOne();
            Node shifted = sub(widen(rows.x), reshape(losses.output(1), column));
            Node all = sub(log(reshape(losses.output(2), column)), shifted);
            Node spread = reduce(ReduceOp.SUM, weights == null ? all : mul(all, cast(weights, all.dtype())), false, 1);
            loss = add(mul(loss, 1 - options.labelSmoothing()),
                mul(spread, options.labelSmoothing() / rows.x.shape().extent(1)));
        }
        return rows.reduced("crossEntropy", loss, rowWeights, options.reduction());
    }

    private static Node ofProbabilities(Node logits, Node targets, Node weights, CrossEntropyOptions options) {
        if (!targets.shape().equals(logits.shape())) {
            throw error("crossEntropy: probabilities %s must have the shape of the logits %s; classes are i32 or i64",
                targets.type(), logits.shape());
        }
        if (options.ignoredIndex().isPresent()) {
            throw error("crossEntropy: an ignored index is for target classes, not for probabilities %s",
                targets.type());
        }
        Node log = fused(new FusedOp.LogSoftmax(), widen(logits));
        double smoothing = options.labelSmoothing();
        Node wide = cast(targets, log.dtype());
        int last = logits.shape().rank() - 1;
        Node share = smoothing == 0 ? wide
            : add(mul(wide, 1 - smoothing), smoothing / logits.shape().extent(last));
        Node products = mul(log, weights == null ? share : mul(share, cast(weights, log.dtype())));
        return LossOps.reduced("crossEntropy", neg(reduce(ReduceOp.SUM, products, false, last)), options.reduction());
    }

    /** {@code -x[row, target]}, weighted and reduced as {@link #crossEntropy}'s: of log-probabilities its loss. */
    public static Node nllLoss(Node logProbabilities, Node targets, Node weights, CrossEntropyOptions options) {
        requireFloating("nllLoss", logProbabilities.dtype());
        requireClasses("nllLoss", "log-probabilities", logProbabilities, weights);
        if (options.labelSmoothing() != 0) {
            throw error("nllLoss: label smoothing is for crossEntropy, which sees the logits");
        }
        Rows rows = Rows.of("nllLoss", "log-probabilities", logProbabilities, targets, options.ignoredIndex());
        Node column = reshape(rows.targets, rows.targets.shape().withTrailingOne());
        Node loss = neg(reshape(widen(gather(rows.x, 1, column)), rows.targets.shape()));
        Node rowWeights = rows.weights(weights, loss.dtype());
        Node weighted = rowWeights == null ? loss : mul(loss, rowWeights);
        return rows.reduced("nllLoss", weighted, rowWeights, options.reduction());
    }

    private static void requireClasses(String op, String what, Node x, Node weights) {
        int rank = x.shape().rank();
        if (rank == 0 || x.shape().extent(rank - 1) == 0) {
            throw error("%s: %s %s have no classes", op, what, x.shape());
        }
        long classes = x.shape().extent(rank - 1);
        if (weights != null && !(weights.dtype().isFloating() && weights.shape().equals(Shape.of(classes)))) {
            throw error("%s: weights %s must be a floating vector of %d, one for each class", op, weights.type(),
                classes);
        }
    }

    /**
     * A batch as a matrix.
     *
     * @param x {@code (rows, classes)}
     * @param targets {@code (rows)}, in range
     * @param counts {@code BOOL (rows)}, false for rows that do not count, or null if all do
     * @param shape of the targets as given
     */
    private record Rows(Node x, Node targets, Node counts, Shape shape) {
        static Rows of(String op, String what, Node x, Node targets, OptionalLong ignoredIndex) {
            requireIndices(op, targets);
            int last = x.shape().rank() - 1;
            if (!x.shape().without(last).equals(targets.shape())) {
                throw error("%s: %s %s need targets of their shape without the last axis, not %s", op, what, x.shape(),
                    targets.shape());
            }
            Node classes = reshape(targets, Shape.of(targets.shape().elements()));
            Node counts = null;
            if (ignoredIndex.isPresent()) {
                counts = binary(BinaryOp.NOT_EQUAL, classes, constant(classes.dtype(), ignoredIndex.getAsLong()));
                classes = where(counts, classes, zeroOf(classes.dtype()));
            }
            return new Rows(reshape(x, Shape.of(targets.shape().elements(), x.shape().extent(last))), classes, counts,
                targets.shape());
        }

        /** The weight of each row's class, or null if there are no weights. */
        Node weights(Node weights, DType dtype) {
            return weights == null ? null : cast(gather(weights, 0, targets), dtype);
        }

        private Node counting(Node values) {
            return counts == null ? values : where(counts, values, zeroOf(values.dtype()));
        }

        Node reduced(String op, Node losses, Node rowWeights, Reduction reduction) {
            Node counting = counting(losses);
            if (reduction != Reduction.MEAN || counts == null && rowWeights == null) {
                return LossOps.reduced(op, reshape(counting, shape), reduction);
            }
            Node total = rowWeights == null ? cast(counts, losses.dtype()) : counting(rowWeights);
            return div(sum(counting), sum(total));
        }
    }
}
