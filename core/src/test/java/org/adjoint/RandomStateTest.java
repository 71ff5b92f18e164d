package org.adjoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.LongStream;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whole numbers, orders and classes drawn at random: what is drawn how often. */
class RandomStateTest {
    /** Of {@link #chiSquare} with 9 degrees of freedom: exceeded once in 10,000 times. */
    private static final double LIMIT_OF_9 = 33.7;

    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
        device.random().seed(11);
    }

    @AfterEach
    void close() {
        device.close();
    }

    @Test
    void integersAreEquallyProbable() {
        long[] drawn = device.random().integers(-4, 6, 10_000).toLongArray();
        double[] expected = new double[10];
        Arrays.fill(expected, 1000);
        assertTrue(chiSquare(drawn, -4, expected) < LIMIT_OF_9);
    }

    @Test
    void integersReachBothEndsOfTheWidestRange() {
        long[] drawn = device.random().integers(-1L << 31, 1L << 31, 4096).toLongArray();
        long least = Arrays.stream(drawn).min().orElseThrow();
        long most = Arrays.stream(drawn).max().orElseThrow();
        assertTrue(least >= -1L << 31 && least < -0.99 * (1L << 31), () -> "least: " + least);
        assertTrue(most < 1L << 31 && most > 0.99 * (1L << 31), () -> "most: " + most);
    }

    @Test
    void aPermutationHoldsEachNumberOnceAndIsAnotherEachTime() {
        long[] first = device.random().permutation(1000).toLongArray();
        long[] second = device.random().permutation(1000).toLongArray();
        long[] sorted = first.clone();
        Arrays.sort(sorted);
        assertArrayEquals(LongStream.range(0, 1000).toArray(), sorted);
        assertFalse(Arrays.equals(first, second));
    }

    /** Where 0 lies in many permutations of 10. */
    @Test
    void permutationsPutANumberAnywhere() {
        double[] expected = new double[10];
        Arrays.fill(expected, 40);
        long[] places = new long[400];
        for (int i = 0; i < places.length; i++) {
            places[i] = device.random().permutation(10).argmin(0).toLongArray()[0];
        }
        assertTrue(chiSquare(places, 0, expected) < LIMIT_OF_9);
    }

    @Test
    void classesAreDrawnWithTheirProbabilities() {
        double[] expected = new double[10];
        double[] logits = new double[10];
        for (int i = 0; i < 10; i++) {
            expected[i] = 20_000 * (i + 1) / 55.0;
            logits[i] = Math.log(i + 1) + 3;
        }
        Tensor many = device.tensor(logits, 10).to(DType.F32).expand(20_000, 10);
        Tensor drawn = device.random().categorical(many);
        assertEquals(DType.I64, drawn.dtype());
        assertTrue(chiSquare(drawn.toLongArray(), 0, expected) < LIMIT_OF_9);
    }

    @Test
    void aClassOfProbabilityZeroIsNeverDrawn() {
        double none = Double.NEGATIVE_INFINITY;
        Tensor many = device.tensor(new double[] {none, -80, none}, 3).expand(500, 3);
        assertEquals(500, Arrays.stream(device.random().categorical(many).toLongArray()).filter(i -> i == 1).count());
    }

    @Test
    void aStepDrawsOthersInEveryRun() {
        Step step = Step.compile(device, x -> device.random().integers(0, 1000, 20).add(x));
        Tensor zero = device.tensor(new long[] {0});
        long[] first = step.run(zero).toLongArray();
        assertFalse(Arrays.equals(first, step.run(zero).toLongArray()));
        device.random().seed(11);
        assertArrayEquals(first, step.run(zero).toLongArray());
    }

    @Test
    void logitsOfAnotherDeviceAreRefused() {
        try (Device other = Device.open("reference")) {
            Tensor logits = other.tensor(new float[] {1, 2});
            assertTrue(assertThrows(IllegalArgumentException.class, () -> device.random().categorical(logits))
                .getMessage().startsWith("categorical: one tensor is on "));
        }
        assertEquals("categorical: logits is null",
            assertThrows(NullPointerException.class, () -> device.random().categorical(null)).getMessage());
    }

    /** Pearson's sum of squared deviations over what is expected, of how often each number from {@code low} occurs. */
    private static double chiSquare(long[] drawn, long low, double[] expected) {
        double[] counts = new double[expected.length];
        for (long value : drawn) {
            counts[Math.toIntExact(value - low)]++;
        }
        double sum = 0;
        for (int i = 0; i < counts.length; i++) {
            sum += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
        }
        return sum;
    }
}
