package org.adjoint.optim;

/**
 * A learning rate for each step, counted from 0. To be given to {@link Optimizer#learningRate(double)} before the step:
 * the rate is a variable, so nothing is traced again.
 */
@FunctionalInterface
public interface Schedule {
    double rate(long step);

    static Schedule constant(double rate) {
        return step -> rate;
    }

    /** From {@code start} at step 0 in a straight line to {@code end} at step {@code steps} and from there on. */
    static Schedule linear(double start, double end, long steps) {
        requirePositive("linear", steps);
        return step -> step >= steps ? end : start + (end - start) * step / steps;
    }

    /**
     * From {@code start} at step 0 along half a cosine to {@code end} at step {@code steps} and from there on
     * (Loshchilov and Hutter, 2017).
     */
    static Schedule cosine(double start, double end, long steps) {
        requirePositive("cosine", steps);
        return step -> step >= steps ? end : end + (start - end) * (1 + StrictMath.cos(Math.PI * step / steps)) / 2;
    }

    /** {@code start}, multiplied by {@code factor} every {@code every} steps. */
    static Schedule decay(double start, double factor, long every) {
        requirePositive("decay", every);
        return step -> start * StrictMath.pow(factor, step / every);
    }

    /**
     * This schedule after a warm-up: step i of the first {@code steps} has {@code (i + 1) / steps} of this schedule's
     * first rate, and step {@code steps} is this schedule's step 0.
     */
    default Schedule warmup(long steps) {
        if (steps < 0) {
            throw new IllegalArgumentException("schedule: the warm-up must not be negative but is " + steps + " steps");
        }
        return step -> step < steps ? rate(0) * (step + 1) / steps : rate(step - steps);
    }

    private static void requirePositive(String schedule, long steps) {
        if (steps < 1) {
            throw new IllegalArgumentException("schedule " + schedule + ": needs at least one step, not " + steps);
        }
    }
}
