package org.adjoint.optim;

import java.util.stream.LongStream;

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

    /** {@code start factor^step}. */
    static Schedule exponential(double start, double factor) {
        return step -> start * StrictMath.pow(factor, step);
    }

    /** {@code start}, multiplied by {@code factor} at each of these steps. */
    static Schedule steps(double start, double factor, long... milestones) {
        long[] own = milestones.clone();
        return step -> start
            * StrictMath.pow(factor, LongStream.of(own).filter(milestone -> milestone <= step).count());
    }

    /** From {@code start} to {@code end} at step {@code steps} along {@code (1 - step / steps)^power}. */
    static Schedule polynomial(double start, double end, long steps, double power) {
        requirePositive("polynomial", steps);
        return step -> step >= steps ? end
            : end + (start - end) * StrictMath.pow(1 - (double) step / steps, power);
    }

    /** {@code peak / sqrt((step + 1) / steps)} after a straight line from 0 to step {@code steps} (Vaswani, 2017). */
    static Schedule inverseSquareRoot(double peak, long steps) {
        requirePositive("inverseSquareRoot", steps);
        return step -> peak * Math.min((step + 1.0) / steps, Math.sqrt(steps / (step + 1.0)));
    }

    /**
     * Half cosines from {@code start} to {@code end}, again and again: the first takes {@code first} steps, each of the
     * others {@code multiplier} times as many as that before (Loshchilov and Hutter, "SGDR", 2017).
     */
    static Schedule warmRestarts(double start, double end, long first, long multiplier) {
        requirePositive("warmRestarts", first);
        requirePositive("warmRestarts", multiplier);
        return step -> {
            long begun = 0;
            long length = first;
            if (multiplier == 1) {
                begun = step / first * first;
            }
            while (multiplier > 1 && step - begun >= length) {
                begun += length;
                length *= multiplier;
            }
            return cosine(start, end, length).rate(step - begun);
        };
    }

    /**
     * One cycle over {@code steps} steps (Smith and Topin, "Super-convergence", 2019), as PyTorch's {@code OneCycleLR}
     * has it: half a cosine from {@code peak / 25} to {@code peak} in 30 percent of the steps, half a cosine to
     * {@code peak / 250,000} in the others.
     */
    static Schedule oneCycle(double peak, long steps) {
        return oneCycle(peak, steps, 0.3, 25, 1e4);
    }

    /**
     * As {@link #oneCycle(double, long)}.
     *
     * @param rising the part of the steps before the peak, in (0, 1)
     * @param startDivisor what the peak is divided by at the start
     * @param endDivisor what the start is divided by at the end
     */
    static Schedule oneCycle(double peak, long steps, double rising, double startDivisor, double endDivisor) {
        requirePositive("oneCycle", steps);
        double top = rising * steps - 1;
        if (!(rising > 0 && rising < 1 && top > 0)) {
            throw new IllegalArgumentException("schedule oneCycle: " + rising + " of " + steps
                + " steps is no rise: it must be more than one step, and not all of them");
        }
        double start = peak / startDivisor;
        double end = start / endDivisor;
        return step -> step >= steps - 1 ? end : step <= top ? between(start, peak, step / top)
            : between(peak, end, (step - top) / (steps - 1 - top));
    }

    /** Half a cosine from {@code start} to {@code end}. */
    private static double between(double start, double end, double part) {
        return end + (start - end) * (1 + StrictMath.cos(Math.PI * part)) / 2;
    }

    /** This schedule for {@code steps} steps, then another, from its step 0. */
    default Schedule then(long steps, Schedule next) {
        requirePositive("then", steps);
        return step -> step < steps ? rate(step) : next.rate(step - steps);
    }

    /** The product of the rates of both. */
    default Schedule times(Schedule factor) {
        return step -> rate(step) * factor.rate(step);
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
