package org.adjoint.cpu.gemm;

import java.util.Arrays;

/**
 * A {@link TileKernel} in scalar code, for any tile, with the same bits: what runs until the vector code of a tile is
 * compiled. HotSpot takes its short loops up at once, and vectorizes them itself.
 */
final class PlainTile implements TileKernel {
    private final int rows;
    private final int columns;
    private final int rowStride;
    private final boolean scattered;

    PlainTile(int rows, int columns, int rowStride, boolean scattered) {
        this.rows = rows;
        this.columns = columns;
        this.rowStride = rowStride;
        this.scattered = scattered;
    }

    @Override
    public void run(int depth, Object a, int aOffset, Object b, int bOffset, int[] steps, Object tile) {
        if (tile instanceof float[] floats) {
            Arrays.fill(floats, 0, rows * columns, 0);
        } else {
            Arrays.fill((double[]) tile, 0, rows * columns, 0);
        }
        for (int step = 0; step < depth; step++) {
            int at = bOffset + (scattered ? steps[step] : step * columns);
            if (tile instanceof float[] floats) {
                addFloats((float[]) a, aOffset + step, (float[]) b, at, floats);
            } else {
                addDoubles((double[]) a, aOffset + step, (double[]) b, at, (double[]) tile);
            }
        }
    }

    private void addFloats(float[] a, int aAt, float[] b, int bAt, float[] tile) {
        for (int row = 0; row < rows; row++) {
            addRow(a[aAt + row * rowStride], b, bAt, tile, row * columns, columns);
        }
    }

    private static void addRow(float factor, float[] b, int bAt, float[] tile, int at, int columns) {
        for (int i = 0; i < columns; i++) {
            tile[at + i] = Math.fma(factor, b[bAt + i], tile[at + i]);
        }
    }

    private void addDoubles(double[] a, int aAt, double[] b, int bAt, double[] tile) {
        for (int row = 0; row < rows; row++) {
            addRow(a[aAt + row * rowStride], b, bAt, tile, row * columns, columns);
        }
    }

    private static void addRow(double factor, double[] b, int bAt, double[] tile, int at, int columns) {
        for (int i = 0; i < columns; i++) {
            tile[at + i] = Math.fma(factor, b[bAt + i], tile[at + i]);
        }
    }
}
