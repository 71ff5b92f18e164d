package org.adjoint.contract;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.adjoint.Device;
import org.adjoint.Scope;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.contract.RandomProgram.Leaf;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;

/**
 * Whether a device computes a program as the reference does in {@code F64}, each operation a step of its own.
 *
 * <p>How far the two may lie apart is measured, not derived: where a result errs by more than a few roundings of its
 * largest element, the program runs again on the reference with every value disturbed by about the rounding of its
 * dtype. What that changes, times {@link #AMPLIFICATION}, is what rounding may do. A result that such runs leave
 * anywhere (a choice between equal values, a sum that cancels) says nothing and passes. Roundings within an operation's
 * gradient, which such runs do not have, show in a run of the reference in the program's own dtypes, primitive by
 * primitive: {@link #NAIVE_AMPLIFICATION} times its error is no reason either.
 *
 * <p>Gradients are compared likewise. That they are the right ones is seen from differences along one direction.
 */
final class ProgramCheck {
    /** Roundings of the largest element that are no reason to look closer. */
    private static final double ROUNDINGS = 64;
    private static final double AMPLIFICATION = 64;
    private static final double NAIVE_AMPLIFICATION = 16;
    /** The first is seldom lucky; if it is, all of them are not. */
    private static final int DISTURBED_RUNS = 8;
    private static final int NOISE = 2048;
    private static final double[] STEPS = {0x1p-9, 0x1p-13, 0x1p-17, 0x1p-21, 0x1p-25};
    /** Of differences, relative to the sum of the magnitudes of their terms. */
    private static final double DIFFERENCE_ERROR = 1e-5;

    private final Device device;
    private final Device reference;

    ProgramCheck(Device device, Device reference) {
        this.device = device;
        this.reference = reference;
    }

    /** A result as numbers. */
    private record Outcome(DType dtype, Shape shape, double[] numbers) {
        static List<Outcome> of(List<Tensor> tensors) {
            return tensors.stream().map(tensor -> new Outcome(tensor.dtype(), tensor.shape(), tensor.toDoubleArray()))
                .toList();
        }

        double largest() {
            return Arrays.stream(numbers).map(Math::abs).max().orElse(0);
        }
    }

    /**
     * What is wrong, or null.
     *
     * @param compiled whether the device runs one plan for all, else one for each thing that is read
     * @param differences whether to compare gradients with differences
     */
    String failure(RandomProgram program, boolean compiled, boolean differences) {
        List<Outcome> actual;
        try {
            actual = onDevice(program, compiled);
        } catch (RuntimeException | AssertionError e) {
            return "threw " + e;
        }
        return failure(program, actual, differences);
    }

    /** What is wrong with each program or null, where the device runs one plan for all of them. */
    List<String> failures(List<RandomProgram> programs, boolean differences) {
        List<List<Outcome>> actual = new ArrayList<>();
        try (Scope scope = device.scope()) {
            List<Tensor> leaves = new ArrayList<>();
            programs.forEach(program -> leaves.addAll(leaves(program, device, false)));
            List<Integer> ends = new ArrayList<>();
            List<Outcome> all = Outcome.of(Step.compileAll(device, arguments -> {
                List<Tensor> outcomes = new ArrayList<>();
                int start = 0;
                for (RandomProgram program : programs) {
                    int end = start + program.leaves().size();
                    outcomes.addAll(program.outcome(arguments.subList(start, end), false, null));
                    ends.add(outcomes.size());
                    start = end;
                }
                return outcomes;
            }).runAll(leaves));
            int start = 0;
            for (int end : ends) {
                actual.add(all.subList(start, end));
                start = end;
            }
        } catch (RuntimeException | AssertionError e) {
            // Which one it was shows when each runs alone.
            return programs.stream().map(program -> failure(program, true, differences)).toList();
        }
        List<String> failures = new ArrayList<>();
        for (int i = 0; i < programs.size(); i++) {
            failures.add(failure(programs.get(i), actual.get(i), differences));
        }
        return failures;
    }

    private String failure(RandomProgram program, List<Outcome> actual, boolean differences) {
        List<Outcome> expected = onReference(program, true, null);
        Rounded rounded = new Rounded(program);
        double largest = expected.stream().mapToDouble(Outcome::largest).max().orElse(0);
        for (int i = 0; i < expected.size(); i++) {
            boolean isResult = i < program.results().size();
            String name = isResult ? "result " + program.results().get(i)
                : "gradient of " + program.sources().get(i - program.results().size());
            if (!actual.get(i).shape.equals(expected.get(i).shape)) {
                return name + " has shape " + actual.get(i).shape + ", not " + expected.get(i).shape;
            }
            // Cotangents begin as weights of the loss, of about 1, even where all of them cancel: they were rounded then
            // to any dtype of the program.
            boolean cancels = !isResult && expected.get(i).largest() == 0;
            double least = cancels ? coarsest(program) * Math.max(largest, 1) : 0;
            String wrong = compare(i, expected.get(i), actual.get(i), largest, least, rounded);
            if (wrong != null) {
                return name + wrong;
            }
        }
        return differences && program.isDifferentiated() && !program.stopsGradients() && !program.sources().isEmpty()
            ? difference(program, expected) : null;
    }

    /** Runs on the reference that round, made when one asks for them. */
    private final class Rounded {
        private final RandomProgram program;
        private final List<List<Outcome>> disturbed = new ArrayList<>();
        private List<Outcome> naive;

        Rounded(RandomProgram program) {
            this.program = program;
        }

        List<Outcome> naive() {
            if (naive == null) {
                naive = onReference(program, false, null);
            }
            return naive;
        }

        List<Outcome> disturbed(int run) {
            while (disturbed.size() <= run) {
                disturbed.add(onReference(program, true, noise(disturbed.size())));
            }
            return disturbed.get(run);
        }
    }

    private List<Outcome> onReference(RandomProgram program, boolean wide, RandomProgram.Noise noise) {
        try (Scope scope = reference.scope()) {
            List<Tensor> leaves = leaves(program, reference, wide);
            // Gradients of disturbed leaves are taken with respect to the leaves.
            return Outcome.of(program.outcome(leaves, wide, noise));
        }
    }

    private List<Outcome> onDevice(RandomProgram program, boolean compiled) {
        try (Scope scope = device.scope()) {
            List<Tensor> leaves = leaves(program, device, false);
            return Outcome.of(compiled
                ? Step.compileAll(device, arguments -> program.outcome(arguments, false, null)).runAll(leaves)
                : program.outcome(leaves, false, null));
        }
    }

    private static List<Tensor> leaves(RandomProgram program, Device device, boolean wide) {
        return program.leaves().stream()
            .map(i -> RandomProgram.upload(device, (Leaf) program.values().get(i), wide)).toList();
    }

    private static double coarsest(RandomProgram program) {
        return program.values().stream().map(RandomProgram.Value::dtype).filter(DType::isFloating)
            .mapToDouble(DType::epsilon).max().orElse(0);
    }

    private String compare(int index, Outcome expected, Outcome actual, double largest, double least, Rounded rounded) {
        boolean exact = !actual.dtype.isFloating();
        // What is 0 by cancellation tells nothing of the size of its terms.
        double near = exact ? 0
            : Math.max(least, actual.dtype.epsilon() * Math.max(ROUNDINGS * expected.largest(), largest));
        double bound = near;
        for (int i = 0; i < expected.numbers.length; i++) {
            double error = Math.abs(actual.numbers[i] - expected.numbers[i]);
            if (error <= bound) {
                continue;
            }
            double naive = spread(index, expected, rounded.naive());
            // Where rounding moves an integer, or its dtype does not hold a number, anything may come of it.
            if (exact && naive > 0 || Double.isNaN(naive) && !Double.isFinite(actual.numbers[i])) {
                return null;
            }
            bound = Double.isNaN(naive) ? bound : Math.max(bound, near + NAIVE_AMPLIFICATION * naive);
            for (int run = 0; run < DISTURBED_RUNS && !(error <= bound); run++) {
                double spread = spread(index, expected, rounded.disturbed(run));
                // Where rounding moves an integer, or makes what is not finite, anything may come of it.
                if (exact && spread > 0 || Double.isNaN(spread)) {
                    return null;
                }
                bound = Math.max(bound, near + AMPLIFICATION * spread);
            }
            if (!(error <= bound)) {
                return " is " + actual.numbers[i] + " at " + i + ", not " + expected.numbers[i] + ": an error of "
                    + error + " where " + bound + " is allowed";
            }
        }
        return null;
    }

    /** The largest change of any element; NaN where one is not finite. */
    private static double spread(int index, Outcome expected, List<Outcome> run) {
        double spread = 0;
        for (int i = 0; i < expected.numbers.length; i++) {
            double change = Math.abs(run.get(index).numbers[i] - expected.numbers[i]);
            if (!Double.isFinite(change)) {
                return Double.NaN;
            }
            spread = Math.max(spread, change);
        }
        return spread;
    }

    /**
     * Factors around 1, as far as a value of that dtype is rounded. A value and its cotangent have factors of their
     * own: rounding moves a value but not the slope there. If both had the same, gradients whose terms cancel would be
     * the exact ones of a program that differs a little, and their terms would still cancel.
     */
    private RandomProgram.Noise noise(int seed) {
        Random random = new Random(seed);
        double[] numbers = random.doubles(NOISE, -1, 1).toArray();
        Tensor base = reference.tensor(numbers).realize();
        return (dtype, value) -> {
            Tensor own = roundings(base, random, dtype, value.shape());
            Tensor cotangents = roundings(base, random, dtype, value.shape());
            // An infinity stays what it is.
            Tensor moved = value.mul(own.sub(cotangents)).maskedFill(value.isInf(), 0);
            return value.mul(cotangents.add(1)).add(moved.stopGradient());
        };
    }

    private static Tensor roundings(Tensor base, Random random, DType dtype, Shape shape) {
        int elements = (int) shape.elements();
        int start = random.nextInt(NOISE - elements);
        return base.slice(0, start, start + elements).reshape(shape.toArray()).mul(dtype.epsilon());
    }

    /** The derivative along one direction, from differences, against the gradients. */
    private String difference(RandomProgram program, List<Outcome> outcomes) {
        List<Outcome> gradients = outcomes.subList(program.results().size(), outcomes.size());
        Random random = new Random(1);
        List<double[]> direction = new ArrayList<>();
        double expected = 0;
        double magnitude = 0;
        for (Outcome gradient : gradients) {
            double[] part = random.doubles(gradient.numbers.length, -1, 1).toArray();
            direction.add(part);
            for (int i = 0; i < part.length; i++) {
                expected += gradient.numbers[i] * part[i];
                magnitude += Math.abs(gradient.numbers[i] * part[i]);
            }
        }
        if (!Double.isFinite(expected)) {
            return null;
        }
        double allowed = DIFFERENCE_ERROR * Math.max(magnitude, 1);
        double before = Double.NaN;
        double leastChange = Double.POSITIVE_INFINITY;
        double found = Double.NaN;
        double bend = Double.NaN;
        // A kink may be near: smaller steps stay on this side of it.
        for (double step : STEPS) {
            double ahead = loss(program, direction, step);
            double behind = loss(program, direction, -step);
            double slope = (ahead - behind) / (2 * step);
            if (Math.abs(slope - expected) <= allowed) {
                return null;
            }
            double change = Math.abs(slope - before);
            // What changes as much as the step does is no slope: all of them may be too long, as for atan2 within
            // 1e-20 of 0.
            boolean settles = change < Math.max(Math.abs(slope), DIFFERENCE_ERROR) / 2;
            if (settles && change < leastChange) {
                leastChange = change;
                found = slope;
                bend = Math.abs(ahead - 2 * loss(program, direction, 0) + behind) / step;
            }
            before = slope;
        }
        // At a kink, whose slopes ahead and behind are two, any in between will do.
        boolean isSlope = Math.max(leastChange, bend) < Math.abs(found - expected) / 2;
        return !isSlope ? null
            : "gradients say that the loss changes by " + expected + " along a direction, differences say " + found;
    }

    private double loss(RandomProgram program, List<double[]> direction, double step) {
        try (Scope scope = reference.scope()) {
            List<Tensor> leaves = new ArrayList<>();
            int next = 0;
            for (int position : program.leaves()) {
                Leaf leaf = (Leaf) program.values().get(position);
                double[] numbers = leaf.numbers().clone();
                if (leaf.dtype().isFloating()) {
                    double[] part = direction.get(next++);
                    for (int i = 0; i < numbers.length; i++) {
                        numbers[i] += step * part[i];
                    }
                }
                leaves.add(RandomProgram.upload(reference, new Leaf(leaf.dtype(), leaf.shape(), numbers), true));
            }
            return program.loss(program.evaluate(leaves, true, null)).item();
        }
    }
}
