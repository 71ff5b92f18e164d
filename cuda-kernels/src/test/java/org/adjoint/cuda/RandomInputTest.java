package org.adjoint.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.function.Function;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Groups that make their random bits themselves give the CPU's numbers; bits that are read otherwise lie in memory. */
class RandomInputTest {
    private static final int RUNS = 2;

    private Emulator emulator;

    @BeforeEach
    void start() {
        emulator = Emulator.require();
        emulator.reset();
    }

    @ParameterizedTest
    @ValueSource(longs = {6, 13, 207, 702, 4098})
    void madeWhereTheyAreRead(long n) {
        compare(x -> List.of(x.dropout(0.25).add(x)), false, n);
        compare(x -> List.of(x.to(DType.BF16).dropout(0.25)), false, n);
        compare(x -> List.of(x.device().random().integers(-5, 70_000, n).to(DType.F64)), false, n);
    }

    /** Of two halves, the second of which starts with a block of the generator or does not. */
    @ParameterizedTest
    @ValueSource(longs = {4, 12, 13, 702, 4096})
    void normalNumbers(long n) {
        compare(x -> List.of(x.device().random().normal(DType.F32, n).add(x)), n % 4 != 0, n);
        compare(x -> List.of(x.device().random().normal(DType.BF16, n)), n % 4 != 0, n);
    }

    /** One group reads the bits of two generators: one of them are made there, the others lie in memory. */
    @ParameterizedTest
    @ValueSource(longs = {8, 13, 702})
    void ofTwoGenerators(long n) {
        compare(x -> List.of(x.to(DType.BF16).dropout(0.25).add(x.to(DType.BF16).dropout(0.5))), true, n);
        compare(x -> List.of(x.to(DType.BF16).dropout(0.25).dropout(0.5)), true, n);
    }

    /** There is no room for what they are made from. */
    @ParameterizedTest
    @ValueSource(longs = {1, 5})
    void few(long n) {
        compare(x -> List.of(x.dropout(0.25).add(x)), true, n);
    }

    /** Rows of whole packs, and of one and a half: a bias is broadcast, so that there are two axes. */
    @ParameterizedTest
    @ValueSource(longs = {4, 6, 8, 20})
    void madeAlongRows(long columns) {
        boolean inMemory = columns % 4 != 0;
        compare(x -> List.of(x.dropout(0.5).add(x.slice(0, 0, 1))), inMemory, 33, columns);
        compare(x -> List.of(x.to(DType.F16).dropout(0.5).add(x.slice(0, 0, 1).to(DType.F16))), inMemory, 33, columns);
    }

    @ParameterizedTest
    @ValueSource(longs = {7, 1000})
    void readTwiceOrFoldedOrInPart(long n) {
        compare(x -> {
            Tensor bits = x.device().random().bits(n);
            return List.of(bits.to(DType.F32).add(x), bits);
        }, true, n);
        compare(x -> List.of(x.device().random().bits(n).to(DType.F64).sum()), true, n);
        compare(x -> List.of(x.device().random().bits(n + 2).slice(0, 2, n + 2).to(DType.F64).add(x)), true, n);
    }

    /** @param inMemory whether the bits are */
    private void compare(Function<Tensor, List<Tensor>> function, boolean inMemory, long... shape) {
        List<double[]> expected;
        try (Device cpu = Device.open("cpu")) {
            expected = run(cpu, function, shape);
        }
        try (Device cuda = Device.open("cuda")) {
            long before = emulator.launches().getOrDefault("random_bits", 0L);
            List<double[]> actual = run(cuda, function, shape);
            assertEquals("", emulator.fault());
            assertEquals(inMemory ? RUNS : 0, emulator.launches().getOrDefault("random_bits", 0L) - before);
            for (int i = 0; i < expected.size(); i++) {
                assertArrayEquals(expected.get(i), actual.get(i), "result " + i);
            }
        }
    }

    private static List<double[]> run(Device device, Function<Tensor, List<Tensor>> function, long... shape) {
        device.random().seed(3);
        float[] values = new float[(int) (shape.length == 1 ? shape[0] : shape[0] * shape[1])];
        for (int i = 0; i < values.length; i++) {
            values[i] = i % 17 - 8;
        }
        Tensor x = device.tensor(values, shape);
        Step step = Step.compileAll(device, in -> function.apply(in.getFirst()));
        List<Tensor> results = List.of();
        for (int i = 0; i < RUNS; i++) {
            results = step.runAll(List.of(x));
        }
        return results.stream().map(Tensor::toDoubleArray).toList();
    }
}
