package org.adjoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.DType;
import org.adjoint.graph.Pooling;
import org.adjoint.graph.Shape;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Sizes whose sums and products do not fit 63 bits are told so; none wraps around to one that fits. */
class ExtremeSizesTest {
    private static final long MOST = Long.MAX_VALUE;
    private static final long LEAST = Long.MIN_VALUE;

    private final Device device = Device.open("reference");

    @AfterEach
    void close() {
        device.close();
    }

    private static void assertRefused(String message, Executable action) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, action).getMessage());
    }

    @Test
    void padding() {
        Tensor x = device.ones(DType.F32, 3);
        assertRefused("pad: axis 0 of (3) has too few elements to cut off 9223372036854775808 and 0",
            () -> x.pad(0, LEAST, 0, 0));
        assertRefused("pad: axis 0 of (3) has too few elements to cut off 9223372036854775808 and "
            + "9223372036854775808", () -> x.pad(0, LEAST, LEAST, 0));
        assertRefused("pad: 3 and 9223372036854775807 elements are more than 2^63", () -> x.pad(0, MOST, MOST, 0));
    }

    @Test
    void parts() {
        Tensor x = device.ones(DType.F32, 3);
        assertRefused("narrow: 2 elements from 9223372036854775807 on are not all in axis 0 of (3)",
            () -> x.narrow(0, MOST, 2));
        assertRefused("split: parts of [9223372036854775807, 9223372036854775807, 5] must not be negative and must add "
            + "up to axis 0 of (3)", () -> x.split(0, MOST, MOST, 5));
        Tensor huge = device.ones(DType.F32, 1L << 40);
        assertRefused("unbind: axis 0 of (1099511627776) would give 1099511627776 parts, more than 16777216",
            () -> huge.unbind(0));
        assertRefused("split: axis 0 of (1099511627776) would give 1099511627776 parts, more than 16777216",
            () -> huge.split(0, 1));
    }

    @Test
    void repetition() {
        assertRefused("repeat: 4611686018427387904 times 4 elements are more than 2^63",
            () -> device.ones(DType.F32, 4, 0).repeat(1L << 62, 1));
        assertRefused("diagonalEmbed: shape [4294967296, 4294967296] has more than 2^63 elements",
            () -> device.ones(DType.F32, 1L << 32).diagonalEmbed());
        assertRefused("diagonalEmbed: there is no diagonal -9223372036854775808",
            () -> device.ones(DType.F32, 3).diagonalEmbed(LEAST, -2, -1));
    }

    @Test
    void windows() {
        Tensor x = device.ones(DType.F32, 1, 1, 5);
        assertRefused("maxPool1d: a window of 4294967296 with dilation 4294967296 is longer than axis -1 of the input, "
            + "5 with padding 0", () -> x.maxPool1d(Pooling.of(1L << 32).dilation(1L << 32)));
        assertRefused("avgPool1d: kernel [4611686018427387904] must be at most 2^56",
            () -> x.avgPool1d(Pooling.of(1L << 62)));
        assertRefused("conv1d: stride [9223372036854775807] must be at most 2^56",
            () -> x.conv1d(x, null, Convolution.DEFAULT.stride(MOST)));
        assertRefused("fold: 1099511627776 times 1099511627776 elements are more than 2^63",
            () -> x.fold(Pooling.of(1L << 40), 1L << 40, 1L << 40));
        assertRefused("adaptiveAvgPool1d: 1125899906842624 parts of an axis of 5 need 1125899906842624 windows of "
            + "their own, more than 1048576: choose an extent that shares a divisor with the axis",
            () -> x.adaptiveAvgPool1d(1L << 50));
        assertEquals(Shape.of(1, 1, 0, MOST), x.windows(-1, MOST, 1, 1L << 62).shape());
    }

    @Test
    void aNormOfMoreChannelsThanThereAreIsOfAll() {
        Tensor x = device.tensor(new float[] {1, 2, 3}, 1, 3);
        assertArrayEquals(x.localResponseNorm(6, 6, 1, 1).toFloatArray(),
            x.localResponseNorm(Integer.MAX_VALUE, Integer.MAX_VALUE, 1, 1).toFloatArray());
    }

    @Test
    void values() {
        Tensor wide = device.tensor(new long[] {1, 1L << 32});
        assertRefused("toIntArray: 4294967296, element 1 of i64(2), does not fit an int: use toLongArray",
            wide::toIntArray);
        Tensor huge = device.ones(DType.F64, 1L << 62);
        assertRefused("realize: f64(4611686018427387904) takes more than 2^62 bytes", huge::realize);
        assertEquals("f64(4611686018427387904) (more elements than can be shown)", huge.toString());
        assertRefused("scan: 4611686018427387904 iterations that give (2) each have more than 2^63 elements in all",
            () -> Scan.of((carries, _) -> Scan.results(carries, carries)).run(List.of(device.ones(DType.F32, 2)),
                1L << 62));
    }
}
