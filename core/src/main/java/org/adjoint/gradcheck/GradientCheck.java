package org.adjoint.gradcheck;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.adjoint.Scope;
import org.adjoint.Tensor;
import org.adjoint.gradcheck.Differences.Derivative;
import org.adjoint.gradcheck.GradientReport.Verdict;
import org.adjoint.graph.Shape;

/**
 * Compares the analytic gradient of a function of tensors with central differences, in {@code F64} on the device of its
 * inputs. A result of any shape is contracted with fixed random numbers, as a cotangent, first. Inputs that are not
 * floating are left alone; the others are cast to {@code F64}. Each evaluation starts from the same random state.
 *
 * <p>Up to {@link #fullUpTo} input elements every partial derivative is compared; beyond, derivatives along random
 * directions. A derivative is wrong if |a - n| / max(|a|, |n|, 1e-3 max|J|, 1e-6) exceeds the tolerance. Gradients that
 * are NaN or all zero are refused, and so are samples with a kink within a step.
 */
public final class GradientCheck {
    private static final double SMALL_OF_LARGEST = 1e-3;
    private static final double SMALL = 1e-6;
    /** Differences are refined until their estimated error is this part of the tolerance. */
    private static final double PRECISION = 0.03;
    /** Steps of another size must reproduce a disagreement with the gradient, but for this part of it. */
    private static final double OTHER_STEP = 0.7;
    private static final double REPRODUCED = 0.1;

    private final TensorFunction function;
    private String name = "function";
    private double tolerance = 1e-8;
    private double step = 1.0 / 64;
    private int order = 1;
    private int directions = 16;
    private int fullUpTo = 256;
    private boolean zeroAllowed;
    private boolean forward;

    private GradientCheck(TensorFunction function) {
        this.function = function;
    }

    public static GradientCheck of(TensorFunction function) {
        return new GradientCheck(function);
    }

    /** Checks first derivatives with the usual settings. */
    public static GradientReport check(TensorFunction function, Tensor... inputs) {
        return of(function).check(inputs);
    }

    /** As {@link #check(TensorFunction, Tensor...)}, but throws an {@link AssertionError} unless it passes. */
    public static void assertGradients(TensorFunction function, Tensor... inputs) {
        of(function).assertGradients(inputs);
    }

    /** What reports call the function. */
    public GradientCheck named(String name) {
        this.name = name;
        return this;
    }

    /** The largest relative error that passes; 1e-8. */
    public GradientCheck tolerance(double tolerance) {
        this.tolerance = tolerance;
        return this;
    }

    /** The first step, of max(|x|, 1), which is halved until differences are precise enough; 1/64. */
    public GradientCheck step(double step) {
        this.step = step;
        return this;
    }

    /** 2 checks the gradient's gradient as well, by Hessian-vector products; 1. */
    public GradientCheck order(int order) {
        if (order != 1 && order != 2) {
            throw new IllegalArgumentException("order must be 1 or 2 but is " + order);
        }
        this.order = order;
        return this;
    }

    /** Checks derivatives along tangents, as {@link org.adjoint.Functions#jvp} gives them, in place of gradients. */
    public GradientCheck forward() {
        this.forward = true;
        return this;
    }

    /** How many random directions stand for a large Jacobian; 16. */
    public GradientCheck directions(int directions) {
        this.directions = directions;
        return this;
    }

    /** Up to how many input elements, in total, the Jacobian is checked in full; 256. */
    public GradientCheck fullUpTo(int elements) {
        this.fullUpTo = elements;
        return this;
    }

    /** Lets gradients pass that are zero, analytically and numerically, in all elements of an input. */
    public GradientCheck allowZero() {
        this.zeroAllowed = true;
        return this;
    }

    /** Throws an {@link AssertionError} with the report unless the check passes, for any test framework. */
    public void assertGradients(Tensor... inputs) {
        GradientReport report = check(inputs);
        if (!report.passed()) {
            throw new AssertionError(report.toString());
        }
    }

    /**
     * Checks at a point. Of two orders the report is about the first that fails, or about the second.
     *
     * @throws IllegalArgumentException if no input is floating
     */
    public GradientReport check(Tensor... inputs) {
        if (Arrays.stream(inputs).noneMatch(input -> input.dtype().isFloating())) {
            throw new IllegalArgumentException("gradient check of " + name + ": no input is floating");
        }
        try (Scope scope = inputs[0].device().scope()) {
            GradientReport report = new Run(function, 1, zeroAllowed, inputs).report();
            // That a linear function's second derivatives are all zero is no sign of a mistake.
            return order == 1 || !report.passed() ? report
                : new Run(Sample.derivative(function), 2, true, inputs).report();
        }
    }

    /** A derivative that was compared. */
    private record Comparison(double analytic, Derivative numeric, double relativeError, boolean certain, int input,
        int element) { }

    /** One check of one order. */
    private final class Run {
        private final int order;
        private final boolean zeroAllowed;
        private final Sample sample;
        private final double[] center;
        private final double[] cotangent;
        private final double[][] gradient;

        Run(TensorFunction function, int order, boolean zeroAllowed, Tensor... inputs) {
            this.order = order;
            this.zeroAllowed = zeroAllowed;
            this.sample = new Sample(function, inputs);
            this.center = sample.center();
            this.cotangent = Sample.cotangent(center.length);
            this.gradient = forward ? sample.forwardGradient(cotangent) : sample.gradient(cotangent);
        }

        GradientReport report() {
            for (double value : center) {
                if (!Double.isFinite(value)) {
                    return refusal(Verdict.NOT_FINITE, -1, 0, "the value is " + value);
                }
            }
            double largest = 0;
            long elements = 0;
            for (int input = 0; input < gradient.length; input++) {
                if (gradient[input] == null) {
                    continue;
                }
                double largestHere = 0;
                for (int k = 0; k < gradient[input].length; k++) {
                    double value = gradient[input][k];
                    if (!Double.isFinite(value)) {
                        return refusal(Verdict.NOT_FINITE, input, k, "the gradient is " + value);
                    }
                    largestHere = Math.max(largestHere, Math.abs(value));
                }
                if (largestHere == 0 && gradient[input].length > 0 && !zeroAllowed) {
                    return refusal(Verdict.ALL_ZERO, input, 0, "the gradient of input " + input + " is zero in all its "
                        + "elements, which shows nothing: choose another sample, or allow zero gradients");
                }
                largest = Math.max(largest, largestHere);
                elements += gradient[input].length;
            }
            return verdict(elements <= fullUpTo ? partials(largest) : alongDirections());
        }

        private List<Comparison> partials(double largest) {
            List<Comparison> comparisons = new ArrayList<>();
            for (int input = 0; input < gradient.length; input++) {
                for (int k = 0; gradient[input] != null && k < gradient[input].length; k++) {
                    double[][] direction = new double[gradient.length][];
                    direction[input] = new double[gradient[input].length];
                    direction[input][k] = 1;
                    double reach = step * Math.max(1, Math.abs(sample.point(input)[k]));
                    double floor = Math.max(SMALL, SMALL_OF_LARGEST * largest);
                    comparisons.add(compare(direction, reach, floor, input, k));
                }
            }
            return comparisons;
        }

        private List<Comparison> alongDirections() {
            Random random = new Random(1);
            List<Comparison> comparisons = new ArrayList<>();
            for (int i = 0; i < directions; i++) {
                double[][] direction = new double[gradient.length][];
                for (int input = 0; input < gradient.length; input++) {
                    if (gradient[input] != null) {
                        direction[input] = new double[gradient[input].length];
                        for (int k = 0; k < direction[input].length; k++) {
                            double size = (0.5 + random.nextDouble()) * Math.max(1, Math.abs(sample.point(input)[k]));
                            direction[input][k] = random.nextBoolean() ? size : -size;
                        }
                    }
                }
                Comparison comparison = compareAlong(direction, 0, 0);
                comparisons.add(comparison.relativeError() <= tolerance ? comparison : narrowed(direction, comparison));
            }
            return comparisons;
        }

        private Comparison compareAlong(double[][] direction, int input, int element) {
            double squares = 0;
            for (int i = 0; i < direction.length; i++) {
                for (int k = 0; direction[i] != null && k < direction[i].length; k++) {
                    squares += Math.pow(gradient[i][k] * direction[i][k], 2);
                }
            }
            return compare(direction, step, Math.max(SMALL, SMALL_OF_LARGEST * Math.sqrt(squares)), input, element);
        }

        /** Finds an element to blame for a wrong derivative along a direction: halves it, and keeps the worse half. */
        private Comparison narrowed(double[][] direction, Comparison whole) {
            List<int[]> places = new ArrayList<>();
            for (int i = 0; i < direction.length; i++) {
                for (int k = 0; direction[i] != null && k < direction[i].length; k++) {
                    places.add(new int[] {i, k});
                }
            }
            while (true) {
                List<int[]> first = places.subList(0, (places.size() + 1) / 2);
                List<int[]> second = places.subList(first.size(), places.size());
                int input = first.getFirst()[0];
                int element = first.getFirst()[1];
                if (second.isEmpty()) {
                    direction[input][element] = 1;
                    Comparison alone = compareAlong(only(direction, first), input, element);
                    return alone.relativeError() <= tolerance
                        ? new Comparison(whole.analytic(), whole.numeric(), whole.relativeError(), whole.certain(),
                            input, element)
                        : alone;
                }
                Comparison a = compareAlong(only(direction, first), input, element);
                Comparison b = compareAlong(only(direction, second), second.getFirst()[0], second.getFirst()[1]);
                places = gap(a) >= gap(b) ? first : second;
            }
        }

        private static double gap(Comparison comparison) {
            double gap = Math.abs(comparison.analytic() - comparison.numeric().value());
            return Double.isNaN(gap) ? Double.POSITIVE_INFINITY : gap;
        }

        private static double[][] only(double[][] direction, List<int[]> places) {
            double[][] part = new double[direction.length][];
            for (int[] place : places) {
                if (part[place[0]] == null) {
                    part[place[0]] = new double[direction[place[0]].length];
                }
                part[place[0]][place[1]] = direction[place[0]][place[1]];
            }
            return part;
        }

        private Comparison compare(double[][] direction, double reach, double floor, int input, int element) {
            double analytic = 0;
            for (int i = 0; i < direction.length; i++) {
                for (int k = 0; direction[i] != null && k < direction[i].length; k++) {
                    analytic += gradient[i][k] * direction[i][k];
                }
            }
            double scale = Math.max(floor, Math.abs(analytic));
            Differences differences = new Differences(t -> sample.value(t, direction), cotangent, center);
            Derivative numeric = differences.at(reach, scale, PRECISION * tolerance);
            double gap = Math.abs(analytic - numeric.value());
            double error = gap / Math.max(scale, Math.abs(numeric.value()));
            if (error <= tolerance) {
                return new Comparison(analytic, numeric, error, true, input, element);
            }
            double other = differences.at(OTHER_STEP * reach, scale, PRECISION * tolerance).value();
            boolean certain = Math.abs(other - numeric.value()) <= REPRODUCED * gap;
            return new Comparison(analytic, numeric, error, certain, input, element);
        }

        private GradientReport verdict(List<Comparison> comparisons) {
            Comparison worst = null;
            for (Comparison comparison : comparisons) {
                if (comparison.numeric().kink()) {
                    Derivative at = comparison.numeric();
                    return report(Verdict.KINK, comparisons.size(), comparison, "the function has a kink within a step "
                        + "of the sample: its slope is " + at.backward() + " behind and " + at.forward()
                        + " ahead; move the sample away from it");
                }
                // NaN counts as worse than anything.
                if (worst == null || !(comparison.relativeError() <= worst.relativeError())) {
                    worst = comparison;
                }
            }
            if (worst == null) {
                return refusal(Verdict.PASSED, -1, 0, "there is nothing to differentiate: all inputs are empty");
            }
            if (worst.relativeError() <= tolerance) {
                return report(Verdict.PASSED, comparisons.size(), worst, "analytic and numeric derivatives agree to "
                    + String.format(Locale.ROOT, "%.1e", tolerance));
            }
            if (!worst.certain()) {
                return report(Verdict.IMPRECISE, comparisons.size(), worst, "differences are too imprecise to tell: "
                    + "those with other steps differ; does the function round to a dtype below f64, or is the sample "
                    + "near a singularity?");
            }
            return report(Verdict.WRONG, comparisons.size(), worst, "analytic and numeric derivatives differ by more "
                + "than " + String.format(Locale.ROOT, "%.1e", tolerance));
        }

        private GradientReport report(Verdict verdict, long checked, Comparison at, String message) {
            return new GradientReport(name, order, verdict, checked, at.relativeError(), at.input(),
                index(sample.shape(at.input()), at.element()), at.analytic(), at.numeric().value(), message);
        }

        private GradientReport refusal(Verdict verdict, int input, int element, String message) {
            boolean known = input >= 0;
            return new GradientReport(name, order, verdict, 0, verdict == Verdict.PASSED ? 0 : Double.NaN, input,
                known ? index(sample.shape(input), element) : List.of(), known ? gradient[input][element] : Double.NaN,
                Double.NaN, message);
        }
    }

    private static List<Long> index(Shape shape, long position) {
        Long[] index = new Long[shape.rank()];
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            index[axis] = position % shape.extent(axis);
            position /= shape.extent(axis);
        }
        return List.of(index);
    }
}
