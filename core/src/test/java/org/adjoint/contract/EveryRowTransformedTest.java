package org.adjoint.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.adjoint.Device;
import org.adjoint.Functions;
import org.adjoint.Scope;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every operation that has a row: mapped over examples it gives what a loop gives, and its derivative along tangents is
 * the adjoint of its gradient.
 */
class EveryRowTransformedTest {
    /** What differs from example to example by intent, or looks at values. */
    private static final Set<String> NOT_MAPPED =
        Set.of("dropout", "uniform", "normal", "bernoulli", "randomBits", "integers", "permutation", "categorical",
            "maskedSelect", "nonzero", "unique");
    /** Rounds tangents and cotangents to other dtypes. */
    private static final String CAST = "cast";
    private static final int EXAMPLES = 3;
    private static final int SAMPLES = 5;
    /** Larger samples show nothing more. */
    private static final long LARGEST = 500;

    private static Device device;

    @BeforeAll
    static void open() {
        device = Device.open("reference");
    }

    @AfterAll
    static void close() {
        device.close();
    }

    static Stream<Named> rows() {
        return OpSamples.ROWS.stream().map(Named::new);
    }

    record Named(OpRow row) {
        @Override
        public String toString() {
            return row.name();
        }
    }

    private static Tensor upload(SampleCase sample, int operand, DType dtype, int draw) {
        Operand given = sample.operands().get(operand);
        DType actual = given.dtype(dtype);
        double[] values = given.draw(actual, new SplittableRandom(1000L * operand + draw));
        return given.upload(device, actual, values);
    }

    private static boolean isSmall(SampleCase sample) {
        return sample.operands().stream().mapToLong(operand -> operand.shape().elements()).sum() <= LARGEST;
    }

    private static DType dtype(OpRow row) {
        return row.dtypes().contains(DType.F64) ? DType.F64 : row.dtypes().iterator().next();
    }

    @ParameterizedTest
    @MethodSource("rows")
    void mappedItGivesWhatALoopGives(Named named) {
        OpRow row = named.row();
        assumeTrue(!NOT_MAPPED.contains(row.name()));
        List<SampleCase> samples =
            row.cases().stream().filter(EveryRowTransformedTest::isSmall).limit(SAMPLES).toList();
        for (SampleCase sample : samples) {
            int count = sample.operands().size();
            for (int which = -1; which < (count > 1 ? count : 0); which++) {
                try (Scope scope = device.scope()) {
                    compare(row, sample, which);
                }
            }
        }
    }

    /** @param which operand is mapped; -1 for all of them */
    private static void compare(OpRow row, SampleCase sample, int which) {
        int count = sample.operands().size();
        if (count == 0) {
            return;
        }
        int[] axes = new int[count];
        List<List<Tensor>> loop = new ArrayList<>();
        List<Tensor> stacked = new ArrayList<>();
        for (int e = 0; e < EXAMPLES; e++) {
            loop.add(new ArrayList<>());
        }
        for (int i = 0; i < count; i++) {
            boolean mapped = which < 0 || which == i;
            axes[i] = mapped ? 0 : Functions.NOT_MAPPED;
            List<Tensor> draws = new ArrayList<>();
            for (int e = 0; e < EXAMPLES; e++) {
                draws.add(upload(sample, i, dtype(row), mapped ? e : 0));
                loop.get(e).add(draws.get(e));
            }
            stacked.add(mapped ? Tensor.stack(draws) : draws.getFirst());
        }
        Tensor all = Functions.vmapAll(in -> List.of(sample.apply(in.toArray(Tensor[]::new))), axes, 0)
            .apply(stacked).getFirst();
        for (int e = 0; e < EXAMPLES; e++) {
            Tensor expected = sample.apply(loop.get(e).toArray(Tensor[]::new));
            Tensor actual = all.slice(0, e, e + 1).squeeze(0);
            String place = row.name() + " " + sample + ", mapped " + Arrays.toString(axes) + ", example " + e;
            assertEquals(expected.type(), actual.type(), place);
            assertClose(expected.toDoubleArray(), actual.toDoubleArray(), 1e-12, place);
        }
    }

    /** For y = f(x) and all v and u: u (J v) = (J^T u) v. */
    @ParameterizedTest
    @MethodSource("rows")
    void alongTangentsItIsTheAdjointOfTheGradient(Named named) {
        OpRow row = named.row();
        assumeTrue(row.isDifferentiable() && row.dtypes().contains(DType.F64) && !row.name().equals(CAST));
        for (SampleCase sample : row.cases()) {
            if (isSmall(sample) && sample.gradients() != SampleCase.Gradients.NONE) {
                try (Scope scope = device.scope()) {
                    adjoint(row, sample);
                }
            }
        }
    }

    private static void adjoint(OpRow row, SampleCase sample) {
        List<Tensor> inputs = new ArrayList<>();
        List<Tensor> sources = new ArrayList<>();
        List<Tensor> tangents = new ArrayList<>();
        for (int i = 0; i < sample.operands().size(); i++) {
            Tensor input = upload(sample, i, DType.F64, 0);
            inputs.add(input);
            if (input.dtype().isFloating()) {
                sources.add(input);
                tangents.add(device.random().normal(input.dtype(), input.shape().toArray()).realize());
            }
        }
        if (sources.isEmpty()) {
            return;
        }
        device.random().seed(5);
        Tensor result = sample.apply(inputs.toArray(Tensor[]::new));
        if (!result.dtype().isFloating()) {
            return;
        }
        device.random().seed(3);
        Tensor cotangent = device.random().normal(result.dtype(), result.shape().toArray()).realize();
        double expected = 0;
        List<Tensor> gradients = result.pullback(cotangent, sources);
        for (int i = 0; i < sources.size(); i++) {
            expected += gradients.get(i).mul(tangents.get(i)).sum().item();
        }
        device.random().seed(5);
        Tensor tangent = Functions.jvp(in -> {
            Tensor[] all = new Tensor[inputs.size()];
            int next = 0;
            for (int i = 0; i < all.length; i++) {
                all[i] = inputs.get(i).dtype().isFloating() ? in.get(next++) : inputs.get(i);
            }
            return sample.apply(all);
        }, sources, tangents).tangent();
        assertEquals(result.type(), tangent.type());
        double actual = tangent.mul(cotangent).sum().item();
        assertTrue(Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected)),
            row.name() + " " + sample + ": " + actual + " forward, " + expected + " in reverse");
    }

    private static void assertClose(double[] expected, double[] actual, double tolerance, String place) {
        assertEquals(expected.length, actual.length, place);
        for (int i = 0; i < expected.length; i++) {
            double error = Math.abs(expected[i] - actual[i]);
            boolean close = Double.compare(expected[i], actual[i]) == 0
                || error <= tolerance * Math.max(1, Math.abs(expected[i]));
            int at = i;
            assertTrue(close, () -> place + ": " + actual[at] + " at " + at + ", not " + expected[at]);
        }
    }
}
