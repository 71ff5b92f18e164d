package org.adjoint.cpu.gemm;

/**
 * Each task computes whole blocks of c and packs what it needs into its own scratch: no phases to wait for, at the
 * price of packing an operand once per block that uses it. For batches, and for products that are small or skinny.
 */
record BlockProduct(PanelKernels kernels, Product product, int rows, int columns) implements Strategy {

    // Multiplications below which a task is not worth another worker: some tens of microseconds.
    private static final double TASK_WORK = 1 << 20;

    // Blocks above which smaller ones would gain no balance.
    private static final int ENOUGH_BLOCKS = 16;

    static BlockProduct of(PanelKernels kernels, Product product) {
        int tile = kernels.tileRows();
        int panel = kernels.panelColumns();
        int columns = (int) Math.min(product.n(), 256);
        // A block of few columns takes more rows, so that packing its columns pays.
        int rows = (int) Math.min(product.m(), 112 / tile * tile * (columns <= 64 ? 4 : columns <= 128 ? 2 : 1));
        double depth = product.k();
        while (blocks(product, rows, columns) < ENOUGH_BLOCKS && rows * depth * columns > 2 * TASK_WORK
                && (rows > 2 * tile || columns > 2 * panel)) {
            if (rows > 2 * tile && (rows >= columns || columns <= 2 * panel)) {
                rows = (int) Strategy.ceilDivide(rows, 2L * tile) * tile;
            } else {
                columns = (int) Strategy.ceilDivide(columns, 2L * panel) * panel;
            }
        }
        return new BlockProduct(kernels, product, rows, columns);
    }

    private static double blocks(Product product, int rows, int columns) {
        return (double) product.batches() * Strategy.ceilDivide(product.m(), rows)
                * Strategy.ceilDivide(product.n(), columns);
    }

    @Override
    public void run(Operands operands, Workspace workspace, Parallel parallel) {
        long rowBlocks = Strategy.ceilDivide(product.m(), rows);
        long columnBlocks = Strategy.ceilDivide(product.n(), columns);
        long perBatch = rowBlocks * columnBlocks;
        ResultBlock result = new ResultBlock(kernels, product);
        double work = (double) rows * columns * product.k();
        Strategy.runGrouped(product.batches() * perBatch, (long) (TASK_WORK / work), parallel, (task, worker) -> {
            long block = task % perBatch;
            block(operands.batch(product, task / perBatch), block % rowBlocks * rows, block / rowBlocks * columns,
                    result, workspace.worker(worker));
        });
    }

    private void block(Operands operands, long row, long column, ResultBlock result, Workspace.Worker scratch) {
        int height = (int) Math.min(rows, product.m() - row);
        int width = (int) Math.min(columns, product.n() - column);
        Object packedRows = scratch.rows(height * kernels.rowStride());
        int panelStride = kernels.panelColumns() * (int) Math.min(kernels.maxDepth(), product.k());
        int panels = (int) Strategy.ceilDivide(width, kernels.panelColumns());
        Object packedPanels = scratch.panels(panels * panelStride);
        result.begin(operands, row, column, height, width, scratch);
        for (long step = 0; step < product.k(); step += kernels.maxDepth()) {
            int depth = (int) Math.min(kernels.maxDepth(), product.k() - step);
            Packing.rows(kernels, product.a(), operands, row, step, height, depth, packedRows, 0, scratch);
            Packing.panels(kernels, product.b(), operands, step, column, depth, width, packedPanels, 0, panelStride,
                    scratch);
            result.add(operands, row, column, height, width, depth, step == 0, packedRows, 0, packedPanels, 0,
                    panelStride, scratch);
        }
        result.end(operands, row, column, height, width, scratch);
    }
}
