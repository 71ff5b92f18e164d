package org.adjoint.gradcheck;

import java.util.Arrays;
import java.util.function.DoubleFunction;

/**
 * The derivative at 0 of a function of one number, from central differences at halved steps with Richardson
 * extrapolation (Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", 1982): as steps shrink, the truncation
 * error falls and the rounding error grows, and of all extrapolations the one with the least estimated error is taken.
 */
final class Differences {
    /** At most so many steps, the last 1/512 of the first. */
    private static final int LEVELS = 10;
    /** Fewer than three steps give no estimate of the error to trust. */
    private static final int LEAST_LEVELS = 3;
    /** One-sided slopes that differ by this much of the scale, and do not approach each other, make a kink. */
    private static final double KINK = 1e-3;

    /**
     * @param value the derivative; NaN where the function was not finite at any step
     * @param error an estimate of what is wrong with it
     * @param forward slope ahead at the smallest step
     * @param backward slope behind at the smallest step
     * @param kink whether the two do not approach each other as the step shrinks
     */
    record Derivative(double value, double error, double forward, double backward, boolean kink) { }

    private final DoubleFunction<double[]> function;
    private final double[] cotangent;
    private final double[] center;

    /**
     * @param function to differentiate; it may give NaN or infinities at some distance from 0
     * @param cotangent what to contract its values with
     * @param center its value at 0
     */
    Differences(DoubleFunction<double[]> function, double[] cotangent, double[] center) {
        this.function = function;
        this.cotangent = cotangent;
        this.center = center;
    }

    /**
     * @param step the first, largest step
     * @param scale what derivatives are compared with
     * @param wanted estimated error, of the scale, that is good enough to stop at
     */
    Derivative at(double step, double scale, double wanted) {
        double[] row = new double[0];
        double best = Double.NaN;
        double leastError = Double.POSITIVE_INFINITY;
        double forward = 0;
        double backward = 0;
        double gap = Double.NaN;
        boolean kink = false;
        boolean kinkEver = false;
        double h = step;
        for (int level = 0; level < LEVELS; level++, h /= 2) {
            double[] ahead = function.apply(h);
            double[] behind = function.apply(-h);
            double central = contract(ahead, behind) / (2 * h);
            if (!Double.isFinite(central)) {
                row = new double[0];
                gap = Double.NaN;
                continue;
            }
            forward = contract(ahead, center) / h;
            backward = contract(center, behind) / h;
            // The gap of a smooth function halves with the step, that of a kink stays.
            double yardstick = Math.max(scale, Math.abs(central));
            kink = Math.abs(forward - backward - gap / 2) > KINK * yardstick;
            kinkEver |= kink;
            gap = forward - backward;
            double[] next = extrapolate(row, central);
            for (int order = 1; order < next.length; order++) {
                double error = Math.max(Math.abs(next[order] - next[order - 1]),
                    Math.abs(next[order] - row[order - 1]));
                if (error <= leastError) {
                    leastError = error;
                    best = next[order];
                }
            }
            row = next;
            if (row.length >= LEAST_LEVELS && leastError <= wanted * yardstick) {
                break;
            }
        }
        boolean converged = leastError <= KINK * Math.max(scale, Math.abs(best));
        return new Derivative(best, leastError, forward, backward, kink || kinkEver && !converged);
    }

    /** Row k of Neville's tableau: entry j has no error below order 2 j + 2. */
    private static double[] extrapolate(double[] previous, double central) {
        double[] row = Arrays.copyOf(previous, previous.length + 1);
        row[0] = central;
        double power = 1;
        for (int order = 1; order < row.length; order++) {
            power *= 4;
            row[order] = row[order - 1] + (row[order - 1] - previous[order - 1]) / (power - 1);
        }
        return row;
    }

    /** Contracts the differences, not the values: outputs that do not change add no rounding error. */
    private double contract(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < cotangent.length; i++) {
            sum += cotangent[i] * (a[i] - b[i]);
        }
        return sum;
    }
}
