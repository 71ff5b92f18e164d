package org.adjoint.contract;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.adjoint.Device;
import org.adjoint.Scope;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.gradcheck.GradientCheck;
import org.adjoint.gradcheck.GradientReport;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;
import org.adjoint.graph.Shape;

/** One row of the table in one dtype on one device. */
final class RowRun {
    private static final long SEED = 7;
    /** Selections may leave any one of so few elements out, so that the gradient of an operand is zero. */
    private static final int FEW = 5;
    /** Second derivatives are checked for samples of up to so many elements. */
    private static final int SMALL = 40;

    private static final Pattern NAMES_AN_OPERATION = Pattern.compile("^[a-z]\\w*( \"[^\"]*\")?: ");

    private final OpRow row;
    private final DType dtype;
    private final Device device;
    private final Device reference;
    private final boolean differences;
    private final List<String> failures = new ArrayList<>();
    private double worst;

    RowRun(OpRow row, DType dtype, Device device, Device reference, boolean differences) {
        this.row = row;
        this.dtype = dtype;
        this.device = device;
        this.reference = reference;
        this.differences = differences;
    }

    OpResult run() {
        for (int i = 0; i < row.cases().size(); i++) {
            SampleCase sample = row.cases().get(i);
            try {
                run(sample, i);
            } catch (RuntimeException | AssertionError e) {
                fail(sample, "threw " + e);
            }
        }
        for (Refusal refusal : row.refusals()) {
            refuse(refusal);
        }
        int refusals = row.refusals().size() + refuseWhereTensorsAreNotUsable();
        return new OpResult(row.name(), dtype, row.cases().size(), refusals, worst, failures.isEmpty(),
            failures.isEmpty() ? "" : failures.getFirst()
                + (failures.size() > 1 ? " (and " + (failures.size() - 1) + " more)" : ""));
    }

    /** Of each sample the first failure counts. */
    private void fail(SampleCase sample, String what) {
        String place = row.name() + " " + dtype.text() + " " + sample + ": ";
        if (failures.isEmpty() || !failures.getLast().startsWith(place)) {
            failures.add(place + what);
        }
    }

    private void run(SampleCase sample, int number) {
        List<Operand> operands = sample.operands();
        double[][] values = new double[operands.size()][];
        SplittableRandom random = new SplittableRandom(31L * row.name().hashCode() + number);
        for (int i = 0; i < values.length; i++) {
            values[i] = operands.get(i).draw(operands.get(i).dtype(dtype), random.split());
        }
        compareValues(sample, values);
        if (row.isDifferentiable() && dtype.isFloating() && sample.gradients() != SampleCase.Gradients.NONE) {
            compareGradients(sample, values);
            if (differences && dtype == DType.F64 && sample.gradients() == SampleCase.Gradients.DIFFERENCED) {
                difference(sample, values);
            }
        }
    }

    /** What the arguments are views of, in the dtype under test or in {@code F64}; random numbers start anew. */
    private Tensor[] upload(SampleCase sample, double[][] values, Device target, boolean inF64) {
        Tensor[] tensors = new Tensor[values.length];
        for (int i = 0; i < values.length; i++) {
            DType actual = sample.operands().get(i).dtype(dtype);
            tensors[i] = sample.operands().get(i).upload(target, inF64 && actual.isFloating() ? DType.F64 : actual,
                values[i]);
        }
        target.random().seed(SEED);
        return tensors;
    }

    private void compareValues(SampleCase sample, double[][] values) {
        Tolerance tolerance = row.tolerance();
        boolean ownDtype = tolerance.isExact() || tolerance.ownDtype();
        try (Scope scope = device.scope(); Scope other = reference.scope()) {
            Tensor actual = sample.apply(upload(sample, values, device, false));
            Tensor expected = sample.apply(upload(sample, values, reference, !ownDtype));
            if (!actual.shape().equals(expected.shape()) || ownDtype && actual.dtype() != expected.dtype()) {
                fail(sample, "gives " + actual.type() + ", the reference " + expected.type());
                return;
            }
            if (tolerance.isExact() || !actual.dtype().isFloating()) {
                compareExactly(sample, actual.shape(), actual.toDoubleArray(), expected.toDoubleArray());
            } else {
                double[] magnitudes = tolerance.magnitude() == null ? null : sample.magnitude(tolerance.magnitude(),
                    upload(sample, values, reference, !ownDtype)).toDoubleArray();
                compareWithin(sample, actual, expected.toDoubleArray(), magnitudes);
            }
        }
    }

    private void compareExactly(SampleCase sample, Shape shape, double[] actual, double[] expected) {
        for (int i = 0; i < actual.length; i++) {
            // Tells zeros apart, and takes one NaN for another.
            if (Double.compare(actual[i], expected[i]) != 0) {
                worst = Math.max(worst, relative(actual[i] - expected[i], expected[i]));
                fail(sample, "gives " + actual[i] + " at " + index(shape, i) + ", not exactly " + expected[i]);
            }
        }
    }

    private void compareWithin(SampleCase sample, Tensor result, double[] expected, double[] magnitudes) {
        double[] actual = result.toDoubleArray();
        for (int i = 0; i < actual.length; i++) {
            double rounded = Halves.round(result.dtype(), expected[i]);
            if (!Double.isFinite(rounded) || !Double.isFinite(actual[i])) {
                if (Double.compare(actual[i], rounded) != 0
                    && !nearlyOverflows(result.dtype(), actual[i], expected[i])) {
                    worst = Math.max(worst, 1);
                    fail(sample, "gives " + actual[i] + " at " + index(result.shape(), i) + ", not " + rounded);
                }
                continue;
            }
            double magnitude = Math.abs(expected[i]);
            if (magnitudes != null) {
                magnitude = Math.max(magnitude, magnitudes[magnitudes.length == 1 ? 0 : i]);
            }
            double error = Math.abs(actual[i] - expected[i]);
            worst = Math.max(worst, relative(error, magnitude));
            double bound = row.tolerance().bound(result.dtype(), magnitude);
            if (!(error <= bound)) {
                fail(sample, "gives " + actual[i] + " at " + index(result.shape(), i) + ", not " + expected[i]
                    + ": an error of " + error + " where " + bound + " is allowed");
            }
        }
    }

    /** Whether one of two values is the largest finite one and the other beyond it. */
    private static boolean nearlyOverflows(DType dtype, double actual, double expected) {
        return Double.isInfinite(actual) && Double.isInfinite(Halves.round(dtype, expected * (1 + 4 * dtype.epsilon())))
            && Math.signum(actual) == Math.signum(expected);
    }

    /** Gradients of the result contracted with one cotangent, on the device and, in {@code F64}, on the reference. */
    private void compareGradients(SampleCase sample, double[][] values) {
        double[][] expected;
        double[][] actual;
        boolean ownDtype = row.tolerance().ownDtype() && !row.tolerance().isExact();
        try (Scope scope = device.scope(); Scope other = reference.scope()) {
            actual = gradients(sample, upload(sample, values, device, false));
            expected = gradients(sample, upload(sample, values, reference, !ownDtype));
        }
        double largestOfAll = Arrays.stream(expected).filter(Objects::nonNull)
            .mapToDouble(RowRun::largest).max().orElse(0);
        for (int input = 0; input < actual.length; input++) {
            if (expected[input] == null) {
                continue;
            }
            // Where terms cancel to zero, the gradients of the other arguments tell how large they were.
            double largest = largest(expected[input]) == 0 ? largestOfAll : largest(expected[input]);
            double bound = row.tolerance().gradientUnits() * dtype.epsilon() * largest;
            for (int i = 0; i < actual[input].length; i++) {
                double error = Math.abs(actual[input][i] - expected[input][i]);
                worst = Math.max(worst, relative(error, largest));
                if (!(error <= bound)) {
                    fail(sample, "gradient of argument " + input + ", element " + i + " in its memory: "
                        + actual[input][i] + ", not " + expected[input][i] + ": an error of " + error + " where "
                        + bound + " is allowed");
                }
            }
        }
    }

    private double[][] gradients(SampleCase sample, Tensor... inputs) {
        Tensor result = sample.apply(inputs);
        List<Tensor> sources = new ArrayList<>();
        for (Tensor input : inputs) {
            if (input.dtype().isFloating()) {
                sources.add(input);
            }
        }
        Random random = new Random(SEED);
        double[] cotangent = IntStream.range(0, (int) result.shape().elements()).mapToDouble(i ->
            Halves.round(dtype, (random.nextBoolean() ? 1 : -1) * (0.5 + random.nextDouble()))).toArray();
        Tensor seed = result.device().tensor(cotangent, result.shape()).to(result.dtype());
        List<Tensor> found = result.pullback(seed, sources);
        double[][] gradients = new double[inputs.length][];
        int next = 0;
        for (int i = 0; i < inputs.length; i++) {
            gradients[i] = inputs[i].dtype().isFloating() ? found.get(next++).toDoubleArray() : null;
        }
        return gradients;
    }

    /** Analytic gradients on the reference against differences. */
    private void difference(SampleCase sample, double[][] values) {
        try (Scope scope = reference.scope()) {
            Tensor[] inputs = upload(sample, values, reference, true);
            long elements = Arrays.stream(inputs).mapToLong(input -> input.shape().elements()).sum();
            boolean nothing = sample.apply(inputs).shape().isEmpty();
            boolean few = Arrays.stream(inputs).anyMatch(input -> input.shape().elements() < FEW);
            GradientCheck check = GradientCheck.of(sample::apply).named(row.name() + " " + sample).step(sample.step())
                .tolerance(sample.tolerance()).order(elements <= SMALL && sample.tolerance() <= 1e-8 ? 2 : 1);
            if (nothing || few || row.allowsZeroGradient()) {
                check.allowZero();
            }
            GradientReport report = check.check(inputs);
            if (report.passed()) {
                worst = Math.max(worst, report.relativeError());
            } else {
                worst = Math.max(worst, Double.isFinite(report.relativeError()) ? report.relativeError() : 1);
                fail(sample, report.toString());
            }
        }
    }

    private void refuse(Refusal refusal) {
        SampleCase sample = SampleCase.of(refusal.function(), refusal.operands().toArray(Operand[]::new));
        try (Scope scope = device.scope()) {
            double[][] values = new double[refusal.operands().size()][];
            for (int i = 0; i < values.length; i++) {
                Operand operand = refusal.operands().get(i);
                values[i] = operand.draw(operand.dtype(dtype), new SplittableRandom(i));
            }
            Tensor[] inputs = upload(sample, values, device, false);
            expect(sample, refusal.error(), refusal.message(), () -> sample.apply(inputs).realize());
        }
    }

    private void expect(SampleCase sample, Class<? extends RuntimeException> error, String message, Runnable action) {
        try {
            action.run();
            fail(sample, "is not refused, with \"" + message + "\"");
        } catch (RuntimeException e) {
            if (!error.isInstance(e) || !String.valueOf(e.getMessage()).contains(message)) {
                fail(sample, "is refused with " + e + ", not with " + error.getSimpleName() + " and \"" + message
                    + "\"");
            } else if (!NAMES_AN_OPERATION.matcher(e.getMessage()).find()) {
                fail(sample, "is refused with \"" + e.getMessage() + "\", which names no operation");
            }
        }
    }

    /** What every operation refuses: tensors that are closed, of another device, or of a traced function that is over. */
    private int refuseWhereTensorsAreNotUsable() {
        if (!row.hasTensorsToTake() || row.cases().isEmpty()) {
            return 0;
        }
        SampleCase sample = row.cases().getFirst();
        double[][] values = new double[sample.operands().size()][];
        for (int i = 0; i < values.length; i++) {
            Operand operand = sample.operands().get(i);
            values[i] = operand.draw(operand.dtype(dtype), new SplittableRandom(i));
        }
        try (Scope scope = device.scope()) {
            Tensor[] inputs = sample.views(upload(sample, values, device, false));
            Step elsewhere = Step.compileAll(reference, _ -> List.of(sample.function().apply(inputs)));
            expect(sample, row.readsItsOperands() ? IllegalStateException.class : IllegalArgumentException.class,
                row.readsItsOperands() ? ": the shape of the result depends on values" : ": one tensor is on ",
                () -> elsewhere.runAll(List.of()));
            Tensor[] traced = new Tensor[inputs.length];
            Step step = Step.compileAll(device, _ -> {
                Arrays.setAll(traced, i -> inputs[i].stopGradient());
                throw new UnsupportedOperationException("trace: the tensors are all that is wanted");
            });
            expect(sample, UnsupportedOperationException.class, "wanted", () -> step.runAll(List.of()));
            expect(sample, IllegalStateException.class, ": a tensor of a traced function is used outside of that",
                () -> sample.function().apply(traced));
            for (Tensor input : inputs) {
                input.close();
            }
            expect(sample, IllegalStateException.class, " is closed, or the scope it belongs to is",
                () -> sample.function().apply(inputs));
        }
        return OpRow.USELESS_TENSORS;
    }

    private static double largest(double[] values) {
        return Arrays.stream(values).map(Math::abs).max().orElse(0);
    }

    private static double relative(double error, double magnitude) {
        double relative = Math.abs(error) / Math.max(Math.abs(magnitude), 1e-6);
        return error == 0 ? 0 : Double.isFinite(relative) ? relative : 1;
    }

    private static String index(Shape shape, int position) {
        long[] index = new long[shape.rank()];
        for (int axis = index.length - 1; axis >= 0; axis--) {
            index[axis] = position % shape.extent(axis);
            position /= (int) shape.extent(axis);
        }
        return Arrays.toString(index);
    }
}
