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
 * dtype. What that changes, times {@link #AMPLIFICATION}, is what rounding may do. A result that such runs leave anywhere (a
 * choice between equal values, a sum that cancels) says nothing and passes.
 *
 * <p>Gradients are compared likewise. That they are the right ones is seen from differences along one direction.
 */
final class ProgramCheck {
    /** Roundings of the largest element that are no reason to look closer. */
    private static final double ROUNDINGS = 64;
    private static final double AMPLIFICATION = 64;
    /** The first is seldom lucky; if it is, all of them are not. */
    private static final int DISTURBED_RUNS = 8;
    private static final int NOISE = 2048;
    private static final double STEP = 0x1p-9;
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
        List<Outcome> expected = onReference(program, null);
        List<Outcome> actual;
        try {
            actual = onDevice(program, compiled);
        } catch (RuntimeException | AssertionError e) {
            return "threw " + e;
        }
        List<List<Outcome>> disturbed = new ArrayList<>();
        double largest = expected.stream().mapToDouble(Outcome::largest).max().orElse(0);
        for (int i = 0; i < expected.size(); i++) {
            String name = i < program.results().size() ? "result " + program.results().get(i)
                : "gradient of " + program.sources().get(i - program.results().size());
            if (!actual.get(i).shape.equals(expected.get(i).shape)) {
                return name + " has shape " + actual.get(i).shape + ", not " + expected.get(i).shape;
            }
            String wrong = compare(program, i, expected.get(i), actual.get(i), largest, disturbed);
            if (wrong != null) {
                return name + wrong;
            }
        }
        return differences && program.isDifferentiated() && !program.stopsGradients() && !program.sources().isEmpty()
            ? difference(program, expected) : null;
    }

    private List<Outcome> onReference(RandomProgram program, RandomProgram.Noise noise) {
        try (Scope scope = reference.scope()) {
            List<Tensor> leaves = leaves(program, reference, true);
            // Gradients of disturbed leaves are taken with respect to the leaves.
            return Outcome.of(program.outcome(leaves, true, noise));
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

    private String compare(RandomProgram program, int index, Outcome expected, Outcome actual,
        double largest, List<List<Outcome>> disturbed) {
        boolean exact = !actual.dtype.isFloating();
        // What is 0 by cancellation tells nothing of the size of its terms.
        double near = exact ? 0 : actual.dtype.epsilon() * Math.max(ROUNDINGS * expected.largest(), largest);
        double bound = near;
        for (int i = 0; i < expected.numbers.length; i++) {
            double error = Math.abs(actual.numbers[i] - expected.numbers[i]);
            if (error <= bound) {
                continue;
            }
            for (int run = 0; run < DISTURBED_RUNS && !(error <= bound); run++) {
                if (run == disturbed.size()) {
                    disturbed.add(onReference(program, noise(run)));
                }
                double spread = spread(index, expected, disturbed.get(run));
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

    /** Factors around 1, as far as a value of that dtype is rounded. */
    private RandomProgram.Noise noise(int seed) {
        Random random = new Random(seed);
        double[] numbers = random.doubles(NOISE, -1, 1).toArray();
        Tensor base = reference.tensor(numbers).realize();
        return (dtype, shape) -> {
            int elements = (int) shape.elements();
            int start = random.nextInt(NOISE - elements);
            return base.slice(0, start, start + elements).reshape(shape.toArray()).mul(dtype.epsilon()).add(1);
        };
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
        double here = loss(program, direction, 0);
        double ahead = loss(program, direction, STEP);
        double behind = loss(program, direction, -STEP);
        double central = (ahead - behind) / (2 * STEP);
        if (Math.abs(central - expected) <= DIFFERENCE_ERROR * Math.max(magnitude, 1)) {
            return null;
        }
        double nearer = (loss(program, direction, STEP / 2) - loss(program, direction, -STEP / 2)) / STEP;
        double nearest = (loss(program, direction, STEP / 4) - loss(program, direction, -STEP / 4)) / (STEP / 2);
        double found = (4 * nearest - nearer) / 3;
        double uncertain = Math.abs(found - (4 * nearer - central) / 3) + Math.abs(nearest - nearer);
        double kink = Math.abs(ahead - 2 * here + behind) / STEP;
        boolean smooth = kink <= 0.01 * Math.max(magnitude, Math.abs(found)) + 1e-6;
        double error = Math.abs(found - expected);
        boolean right = error <= DIFFERENCE_ERROR * Math.max(magnitude, 1) + 4 * uncertain;
        return right || !smooth || !Double.isFinite(found) ? null
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
