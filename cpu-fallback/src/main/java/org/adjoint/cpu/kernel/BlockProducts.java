package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.gemm.PanelKernels;

/**
 * Products of blocks in the calling thread's scratch, for attention: {@link PanelKernels} with operands of any depth,
 * which are packed in chunks of {@link PanelKernels#maxDepth()}.
 *
 * <p>An operand can be packed with more steps than the matrix has columns: {@code [a, 1] . [b, c]} is
 * {@code a . b + c}, so a product brings a sum with a value per column along at hardly any cost.
 */
final class BlockProducts {
    private static final int TILE = 22;
    private static final int STAGING = 23;

    /**
     * A packed operand: what {@link PanelKernels} calls rows (left) or panels (right), chunk after chunk of the depth.
     *
     * @param extent rows of a left operand, columns of a right one
     */
    record Packed(Object array, int at, int extent, int depth) { }

    private final Arithmetic arithmetic;
    private final PanelKernels kernels;
    private final Object tile;
    private final Object staging;
    private final short[] halves;

    BlockProducts(Arithmetic arithmetic, Scratch scratch) {
        this.arithmetic = arithmetic;
        this.kernels = arithmetic.panels;
        this.tile = scratch.array(arithmetic, TILE, kernels.tileSize());
        this.staging = scratch.array(arithmetic, STAGING, kernels.stagingSize());
        this.halves = scratch.halves(kernels.maxDepth());
    }

    /** Elements that a left operand takes. */
    int rowsSize(int rows, int depth) {
        int chunks = (depth + kernels.maxDepth() - 1) / kernels.maxDepth();
        return Math.multiplyExact(chunks * rows, kernels.rowStride());
    }

    /** Elements that a right operand takes. */
    int panelsSize(int depth, int columns) {
        return Math.multiplyExact(panelled(columns), depth);
    }

    /** {@code columns} rounded up to whole panels. */
    private int panelled(int columns) {
        int width = kernels.panelColumns();
        return (columns + width - 1) / width * width;
    }

    /** Rows of a matrix from {@code row} on; the depth is its columns. */
    Packed packRows(MatrixView matrix, MemorySegment memory, long index, int row, int rows, Object target, int at) {
        for (int depth = 0, chunk = 0; depth < matrix.columns(); depth += kernels.maxDepth(), chunk++) {
            kernels.packRows(Arithmetic.elementType(matrix.dtype()), memory, matrix.offset(index, row, depth),
                matrix.rowStride(), matrix.columnStride(), rows, Math.min(kernels.maxDepth(), matrix.columns() - depth),
                target, at + chunk * rows * kernels.rowStride(), staging, halves);
        }
        return new Packed(target, at, rows, matrix.columns());
    }

    /** As {@link #packRows}, times {@code factor}, with {@code ones} steps of ones behind the columns. */
    Packed packRowsAndOnes(MatrixView matrix, MemorySegment memory, long index, int row, int rows, double factor,
        int ones, Object target) {
        packRows(matrix, memory, index, row, rows, target, 0);
        for (int done = 0, at = 0; done < matrix.columns() && factor != 1; done += kernels.maxDepth()) {
            int depth = Math.min(kernels.maxDepth(), matrix.columns() - done);
            for (int i = 0; i < rows; i++, at += kernels.rowStride()) {
                arithmetic.scale(target, at, factor, target, at, depth);
            }
        }
        int steps = matrix.columns() + ones;
        for (int step = matrix.columns(); step < steps; step++) {
            int first = step / kernels.maxDepth() * rows * kernels.rowStride() + step % kernels.maxDepth();
            for (int i = 0; i < rows; i++) {
                arithmetic.set(target, first + i * kernels.rowStride(), 1);
            }
        }
        return new Packed(target, 0, rows, steps);
    }

    /** The transpose of rows of a matrix as a left operand; {@code rows}, its depth, is no more than a chunk. */
    Packed packRowsTransposed(MatrixView matrix, MemorySegment memory, long index, int row, int rows, Object target) {
        kernels.packRows(Arithmetic.elementType(matrix.dtype()), memory, matrix.offset(index, row),
            matrix.columnStride(), matrix.rowStride(), matrix.columns(), rows, target, 0, staging, halves);
        return new Packed(target, 0, matrix.columns(), rows);
    }

    /** Rows of a matrix as a right operand; {@code rows}, its depth, is no more than a chunk. */
    Packed packPanels(MatrixView matrix, MemorySegment memory, long index, int row, int rows, Object target, int at) {
        for (int column = 0; column < matrix.columns(); column += kernels.panelColumns()) {
            packPanel(matrix, memory, matrix.offset(index, row, column), matrix.rowStride(), matrix.columnStride(),
                rows, Math.min(kernels.panelColumns(), matrix.columns() - column), target, at + column * rows);
        }
        return new Packed(target, at, matrix.columns(), rows);
    }

    /**
     * The transpose of rows of a matrix, times {@code factor}, as a right operand: rows become columns, the depth
     * is the matrix' columns.
     *
     * @param last of each step more, values per row, from element {@code lastAt} on
     */
    Packed packPanelsTransposed(MatrixView matrix, MemorySegment memory, long index, int row, int rows, double factor,
        Object target, int at, int lastAt, Object... last) {
        int d = matrix.columns();
        int steps = d + last.length;
        for (int done = 0; done < steps; done += kernels.maxDepth()) {
            int depth = Math.min(kernels.maxDepth(), steps - done);
            int filled = Math.clamp(d - done, 0, depth);
            for (int column = 0; column < rows; column += kernels.panelColumns()) {
                int columns = Math.min(kernels.panelColumns(), rows - column);
                int width = kernels.paddedWidth(columns);
                int to = at + done * panelled(rows) + column * depth;
                if (filled > 0) {
                    packPanel(matrix, memory, matrix.offset(index, row + column, done), matrix.columnStride(),
                        matrix.rowStride(), filled, columns, target, to);
                    if (factor != 1) {
                        arithmetic.scale(target, to, factor, target, to, filled * width);
                    }
                }
                for (int step = filled; step < depth; step++) {
                    System.arraycopy(last[done + step - d], lastAt + column, target, to + step * width, columns);
                }
            }
        }
        return new Packed(target, at, rows, steps);
    }

    private void packPanel(MatrixView matrix, MemorySegment memory, long offset, long depthStride, long stride,
        int depth, int columns, Object target, int at) {
        kernels.packPanel(Arithmetic.elementType(matrix.dtype()), memory, offset, depthStride, stride, depth, columns,
            target, at, staging, halves);
    }

    /** A block in scratch, {@code depth} rows of {@code stride} elements, as a right operand of one chunk. */
    Packed packPanels(Object block, int stride, int depth, int columns, Object target) {
        int width = kernels.panelColumns();
        for (int column = 0; column < columns; column += width) {
            int padded = kernels.paddedWidth(Math.min(width, columns - column));
            for (int step = 0; step < depth; step++) {
                System.arraycopy(block, step * stride + column, target, column * depth + step * padded, padded);
            }
        }
        return new Packed(target, 0, columns, depth);
    }

    /** A block in scratch, {@code rows} of {@code stride} elements, as a left operand of one chunk. */
    Packed packRows(Object block, int stride, int rows, int depth, Object target) {
        for (int row = 0; row < rows; row++) {
            System.arraycopy(block, row * stride, target, row * kernels.rowStride(), depth);
        }
        return new Packed(target, 0, rows, depth);
    }

    /** A block in scratch whose rows are {@link PanelKernels#rowStride()} apart is a left operand as it stands. */
    static Packed asRows(Object block, int rows, int depth) {
        return new Packed(block, 0, rows, depth);
    }

    /**
     * {@code c = a . b}, or {@code c += a . b}, of the first {@code rows} of a and {@code depth} steps of both.
     *
     * @param columns how many are wanted; up to the end of the panel of the last one, more of c is overwritten
     */
    void multiply(int rows, int columns, int depth, Packed a, Packed b, Object c, int cAt, int cStride, boolean add) {
        int wanted = Math.min(b.extent(), panelled(columns));
        for (int done = 0, chunk = 0; done < depth; done += kernels.maxDepth(), chunk++) {
            int packedDepth = Math.min(kernels.maxDepth(), b.depth() - done);
            kernels.multiply(rows, wanted, Math.min(kernels.maxDepth(), depth - done),
                a.array(), a.at() + chunk * a.extent() * kernels.rowStride(),
                b.array(), b.at() + done * panelled(b.extent()), kernels.panelColumns() * packedDepth,
                c, cAt, cStride, add || chunk > 0, tile);
        }
    }
}
