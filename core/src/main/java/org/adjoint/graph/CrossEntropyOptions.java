package org.adjoint.graph;

import java.util.Objects;
import java.util.OptionalLong;

/**
 * How losses over classes are made of logits and targets.
 *
 * @param reduction what becomes of the losses of the rows
 * @param ignoredIndex the target of rows that do not count, for target classes
 * @param labelSmoothing the share of each target, in [0, 1], that is spread evenly over all classes (Szegedy et al.,
 *     "Rethinking the Inception architecture for computer vision", 2016)
 */
public record CrossEntropyOptions(Reduction reduction, OptionalLong ignoredIndex, double labelSmoothing) {
    /** The mean over all rows. */
    public static final CrossEntropyOptions DEFAULT = new CrossEntropyOptions(Reduction.MEAN, OptionalLong.empty(), 0);

    /** @throws IllegalArgumentException for label smoothing outside of [0, 1] */
    public CrossEntropyOptions {
        Objects.requireNonNull(reduction, "reduction");
        Objects.requireNonNull(ignoredIndex, "ignoredIndex");
        if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
            throw new IllegalArgumentException("crossEntropy: label smoothing must be in [0, 1] but is "
                + labelSmoothing);
        }
    }

    public CrossEntropyOptions reduction(Reduction value) {
        return new CrossEntropyOptions(value, ignoredIndex, labelSmoothing);
    }

    /** Rows with this target, in range or not, add nothing to the loss, nor to what the mean divides by. */
    public CrossEntropyOptions ignoredIndex(long value) {
        return new CrossEntropyOptions(reduction, OptionalLong.of(value), labelSmoothing);
    }

    public CrossEntropyOptions labelSmoothing(double value) {
        return new CrossEntropyOptions(reduction, ignoredIndex, value);
    }
}
