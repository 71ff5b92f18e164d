package org.adjoint.cpu.gemm;

import java.lang.foreign.MemorySegment;

/**
 * Sums a block of c over the blocks of the depth: in c itself where it can hold the sums, else (16-bit elements, no
 * stride of 1) in scratch, so that rounding happens once. Blocks of the depth are added one by one, in order, in both
 * cases.
 */
final class ResultBlock {

    private final PanelKernels kernels;
    private final Product product;
    private final boolean direct;

    ResultBlock(PanelKernels kernels, Product product) {
        this.kernels = kernels;
        this.product = product;
        this.direct = product.direct();
    }

    private int stride(int columns) {
        return kernels.paddedWidth(columns);
    }

    /** Before the first block of the depth. */
    void begin(Operands operands, long row, long column, int rows, int columns, Workspace.Worker scratch) {
        if (direct) {
            return;
        }
        Object block = scratch.block(rows * stride(columns));
        if (!product.add()) {
            return;
        }
        Layout c = product.c();
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                long at = operands.cOffset() + c.offset(row + i, column + j);
                int to = i * stride(columns) + j;
                if (kernels.doubles()) {
                    ((double[]) block)[to] = PanelKernels.readDouble(operands.c(), at);
                } else {
                    ((float[]) block)[to] = PanelKernels.read(c.type(), operands.c(), at);
                }
            }
        }
    }

    /** Adds one block of the depth. */
    void add(Operands operands, long row, long column, int rows, int columns, int depth, boolean first,
            Object packedRows, int rowsOffset, Object panels, int panelsOffset, int panelStride,
            Workspace.Worker scratch) {
        boolean add = product.add() || !first;
        if (direct) {
            Layout c = product.c();
            kernels.multiply(rows, columns, depth, packedRows, rowsOffset, panels, panelsOffset, panelStride,
                    operands.c(), operands.cOffset() + c.offset(row, column), c.rowStride() * c.type().bytes(),
                    add, scratch.tile);
        } else {
            int stride = stride(columns);
            kernels.multiply(rows, columns, depth, packedRows, rowsOffset, panels, panelsOffset, panelStride,
                    scratch.block(rows * stride), 0, stride, add, scratch.tile);
        }
    }

    /** Adds a row of sums over one block of the depth. */
    void addRow(Operands operands, long row, long column, int index, int columns, boolean first, Object sums,
            Workspace.Worker scratch) {
        boolean add = product.add() || !first;
        if (direct) {
            kernels.moves().store(sums, 0, 0, operands.c(),
                    operands.cOffset() + product.c().offset(row + index, column), 0, 1, columns, add);
        } else {
            int stride = stride(columns);
            kernels.moves().store(sums, 0, 0, scratch.block((index + 1) * stride), index * stride, 0, 1, columns, add);
        }
    }

    /** After the last block of the depth. */
    void end(Operands operands, long row, long column, int rows, int columns, Workspace.Worker scratch) {
        if (direct) {
            return;
        }
        Layout c = product.c();
        MemorySegment target = operands.c();
        Object block = scratch.block(rows * stride(columns));
        for (int i = 0; i < rows; i++) {
            int from = i * stride(columns);
            if (c.columnStride() == 1) {
                narrow(c.type(), (float[]) block, from, target, operands.cOffset() + c.offset(row + i, column),
                        columns, scratch);
                continue;
            }
            for (int j = 0; j < columns; j++) {
                long at = operands.cOffset() + c.offset(row + i, column + j);
                if (kernels.doubles()) {
                    PanelKernels.writeDouble(target, at, ((double[]) block)[from + j]);
                } else {
                    PanelKernels.write(c.type(), target, at, ((float[]) block)[from + j]);
                }
            }
        }
    }

    private void narrow(ElementType type, float[] block, int from, MemorySegment target, long offset, int columns,
            Workspace.Worker scratch) {
        for (int first = 0; first < columns; first += scratch.halves.length) {
            int count = Math.min(scratch.halves.length, columns - first);
            kernels.moves().narrow(type, block, from + first, target, offset + (long) first * type.bytes(), count,
                    scratch.halves);
        }
    }
}
