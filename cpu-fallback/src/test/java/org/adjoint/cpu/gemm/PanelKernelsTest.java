package org.adjoint.cpu.gemm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The parts as a fused kernel uses them: a result in scratch is the left operand of the next product. */
class PanelKernelsTest {

    private static final int ROWS = 17;
    private static final int INNER = 45;
    private static final int DEPTH = 29;

    /** (a . b) . a in small integers, which F32 sums exactly; a is 17 x 29 and b 29 x 45, c 45 x 29. */
    @ParameterizedTest
    @ValueSource(ints = {0, 128, 256, 512})
    void chainsTwoProductsInScratch(int bits) {
        PanelKernels kernels = PanelKernels.of(bits, ElementType.F32);
        int panels = Math.ceilDiv(INNER, kernels.panelColumns());
        int panelStride = kernels.panelColumns() * INNER;
        float[] rows = new float[ROWS * kernels.rowStride()];
        float[] columns = new float[panels * panelStride];
        float[] first = new float[ROWS * kernels.rowStride()];
        float[] second = new float[ROWS * DEPTH];
        float[] staging = new float[kernels.stagingSize()];
        float[] tile = new float[kernels.tileSize()];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment a = matrix(arena, ROWS, DEPTH, 3);
            MemorySegment b = matrix(arena, DEPTH, INNER, 5);
            MemorySegment c = matrix(arena, INNER, DEPTH, 7);
            kernels.packRows(ElementType.F32, a, 0, DEPTH, 1, ROWS, DEPTH, rows, 0, staging, null);
            kernels.packPanels(ElementType.F32, b, 0, INNER, 1, DEPTH, INNER, columns, 0, panelStride, staging, null);
            kernels.multiply(ROWS, INNER, DEPTH, rows, 0, columns, 0, panelStride, first, 0, kernels.rowStride(),
                    false, tile);
            kernels.packPanels(ElementType.F32, c, 0, DEPTH, 1, INNER, DEPTH, columns, 0, panelStride, staging, null);
            for (int pass = 0; pass < 2; pass++) {
                kernels.multiply(ROWS, DEPTH, INNER, first, 0, columns, 0, panelStride, second, 0, DEPTH, pass > 0,
                        tile);
            }
            for (int i = 0; i < ROWS; i++) {
                for (int j = 0; j < DEPTH; j++) {
                    assertEquals(2 * expected(a, b, c, i, j), second[i * DEPTH + j], i + ", " + j);
                }
            }
        }
    }

    private static double expected(MemorySegment a, MemorySegment b, MemorySegment c, int row, int column) {
        double sum = 0;
        for (int i = 0; i < INNER; i++) {
            for (int p = 0; p < DEPTH; p++) {
                sum += at(a, row * DEPTH + p) * at(b, p * INNER + i) * at(c, i * DEPTH + column);
            }
        }
        return sum;
    }

    private static double at(MemorySegment matrix, int index) {
        return matrix.getAtIndex(ValueLayout.JAVA_FLOAT, index);
    }

    private static MemorySegment matrix(Arena arena, int rows, int columns, int modulus) {
        MemorySegment matrix = arena.allocate(4L * rows * columns, 64);
        for (int i = 0; i < rows * columns; i++) {
            matrix.setAtIndex(ValueLayout.JAVA_FLOAT, i, i % modulus - modulus / 2);
        }
        return matrix;
    }
}
