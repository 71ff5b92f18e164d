package org.adjoint.cpu.gemm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Before a tile's vector code is compiled, scalar code gives the same bits. */
class PlainTileTest {
    private static final int MOST_ROWS = 14;
    private static final int ROW_STRIDE = 24;
    private static final int OFFSET = 3;

    private final Random random = new Random(5);

    @ParameterizedTest
    @CsvSource({"4, false", "8, false", "16, false", "2, true", "4, true", "8, true"})
    void givesTheBitsOfEveryVectorTile(int lanes, boolean doubles) {
        for (int rows = 1; rows <= MOST_ROWS; rows++) {
            for (int vectors = 1; vectors <= 2; vectors++) {
                for (int depth : new int[] {0, 1, 17}) {
                    compare(rows, vectors, lanes, depth, doubles, false);
                    compare(rows, vectors, lanes, depth, doubles, true);
                }
            }
        }
    }

    private void compare(int rows, int vectors, int lanes, int depth, boolean doubles, boolean scattered) {
        int columns = vectors * lanes;
        double[] a = random.doubles((long) OFFSET + rows * ROW_STRIDE, -1, 1).toArray();
        double[] b = random.doubles((long) OFFSET + (depth + 1) * columns, -1, 1).toArray();
        // Steps that overlap, and go back.
        int[] steps = scattered ? random.ints(depth, 0, depth * columns + 1).toArray() : null;
        double[] found = run(new PlainTile(rows, columns, ROW_STRIDE, scattered), depth, a, b, steps, rows * columns,
            doubles);
        double[] expected = run(TileGenerator.generate(rows, vectors, lanes, ROW_STRIDE, doubles, scattered), depth, a,
            b, steps, rows * columns, doubles);
        assertArrayEquals(expected, found, () -> rows + " rows, " + vectors + " vectors, depth " + depth
            + (scattered ? ", scattered" : ""));
    }

    /** A tile that held something else before. */
    private static double[] run(TileKernel kernel, int depth, double[] a, double[] b, int[] steps, int size,
        boolean doubles) {
        if (doubles) {
            double[] tile = new double[size];
            Arrays.fill(tile, 7);
            kernel.run(depth, a, OFFSET, b, OFFSET, steps, tile);
            return tile;
        }
        float[] tile = new float[size];
        Arrays.fill(tile, 7);
        kernel.run(depth, floats(a), OFFSET, floats(b), OFFSET, steps, tile);
        double[] widened = new double[size];
        Arrays.setAll(widened, i -> tile[i]);
        return widened;
    }

    private static float[] floats(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }
}
