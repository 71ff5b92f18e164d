package org.adjoint.cpu.gemm;

/**
 * For one or few rows times a row-major matrix (decoding a token): bound by reading b, which is streamed in whole rows
 * and never packed.
 */
record RowProduct(PanelKernels kernels, Product product, int columns) implements Strategy {

    static final int MAX_ROWS = 3;
    private static final int MIN_COLUMNS = 256;
    private static final int MAX_COLUMNS = 2048;
    private static final int ENOUGH_TASKS = 16;

    static boolean fits(Product product) {
        Layout b = product.b();
        return product.m() <= MAX_ROWS && b.columnStride() == 1 && b.type() == b.type().arithmetic();
    }

    static RowProduct of(PanelKernels kernels, Product product) {
        long even = Strategy.ceilDivide(Strategy.ceilDivide(product.n(), ENOUGH_TASKS), 64) * 64;
        return new RowProduct(kernels, product, Math.clamp(even, MIN_COLUMNS, MAX_COLUMNS));
    }

    @Override
    public void run(Operands operands, Workspace workspace, Parallel parallel) {
        long blocks = Strategy.ceilDivide(product.n(), columns);
        ResultBlock result = new ResultBlock(kernels, product);
        double work = (double) product.k() * columns * product.m();
        Strategy.runGrouped(product.batches() * blocks, (long) ((1 << 18) / work), parallel, (task, worker) ->
                block(operands.batch(product, task / blocks), task % blocks * columns, result,
                        workspace.worker(worker)));
    }

    private void block(Operands operands, long column, ResultBlock result, Workspace.Worker scratch) {
        int rows = (int) product.m();
        int width = (int) Math.min(columns, product.n() - column);
        Layout b = product.b();
        Object packedRows = scratch.rows(rows * kernels.rowStride());
        Object sums = scratch.panels(kernels.paddedWidth(width));
        result.begin(operands, 0, column, rows, width, scratch);
        for (long step = 0; step < product.k(); step += kernels.maxDepth()) {
            int depth = (int) Math.min(kernels.maxDepth(), product.k() - step);
            Packing.rows(kernels, product.a(), operands, 0, step, rows, depth, packedRows, 0, scratch);
            for (int row = 0; row < rows; row++) {
                kernels.moves().multiplyRow(depth, packedRows, row * kernels.rowStride(), operands.b(),
                        operands.bOffset() + b.offset(step, column), b.rowStride() * b.type().bytes(), width, sums);
                result.addRow(operands, 0, column, row, width, step == 0, sums, scratch);
            }
        }
        result.end(operands, 0, column, rows, width, scratch);
    }
}
