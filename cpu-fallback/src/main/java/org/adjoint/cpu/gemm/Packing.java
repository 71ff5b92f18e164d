package org.adjoint.cpu.gemm;

/** Packs parts of the operands of a product. */
final class Packing {

    private Packing() {
    }

    /** Rows {@code row ..} of a, steps {@code step ..} of the depth. */
    static void rows(PanelKernels kernels, Layout a, Operands operands, long row, long step, int rows, int depth,
            Object target, int targetOffset, Workspace.Worker scratch) {
        kernels.packRows(a.type(), operands.a(), operands.aOffset() + a.offset(row, step), a.rowStride(),
                a.columnStride(), rows, depth, target, targetOffset, scratch.staging, scratch.halves);
    }

    /** Steps {@code step ..} of the depth, columns {@code column ..} of b. */
    static void panels(PanelKernels kernels, Layout b, Operands operands, long step, long column, int depth,
            int columns, Object target, int targetOffset, int panelStride, Workspace.Worker scratch) {
        kernels.packPanels(b.type(), operands.b(), operands.bOffset() + b.offset(step, column), b.rowStride(),
                b.columnStride(), depth, columns, target, targetOffset, panelStride, scratch.staging, scratch.halves);
    }
}
