package org.adjoint.cpu.gemm;

/**
 * For a small result of great depth (the weight gradient of a narrow layer): workers take different blocks of the
 * depth, each block's result goes to scratch, and the results are then added one by one, in order: the sums are those
 * of every other strategy.
 */
record SplitDepthProduct(PanelKernels kernels, Product product) implements Strategy {

    // Results kept at a time, in elements.
    private static final int MAX_PARTIALS = 1 << 21;
    private static final int MAX_RESULT = 1 << 15;
    private static final int MIN_BLOCKS = 8;

    static boolean fits(PanelKernels kernels, Product product) {
        return product.direct() && product.batches() < MIN_BLOCKS
                && (double) product.m() * product.n() <= MAX_RESULT
                && product.k() >= (long) MIN_BLOCKS * kernels.maxDepth();
    }

    @Override
    public void run(Operands operands, Workspace workspace, Parallel parallel) {
        int rows = (int) product.m();
        int columns = (int) product.n();
        int stride = kernels.paddedWidth(columns);
        int size = rows * stride;
        int wave = MAX_PARTIALS / size;
        long blocks = Strategy.ceilDivide(product.k(), kernels.maxDepth());
        Object partials = workspace.panels((int) Math.min(wave, blocks) * size);
        for (long batch = 0; batch < product.batches(); batch++) {
            Operands at = operands.batch(product, batch);
            for (long first = 0; first < blocks; first += wave) {
                long start = first;
                int count = (int) Math.min(wave, blocks - first);
                parallel.run(count, (task, worker) ->
                        multiply(at, start + task, partials, task * size, stride, workspace.worker(worker)));
                int height = (int) Math.max(1, (1 << 16) / ((long) stride * count));
                int groups = (int) Strategy.ceilDivide(rows, height);
                parallel.run(groups, (task, worker) -> add(at, task * height,
                        Math.min(height, rows - task * height), partials, size, stride, count, start == 0));
            }
        }
    }

    private void multiply(Operands operands, long block, Object partials, int offset, int stride,
            Workspace.Worker scratch) {
        int rows = (int) product.m();
        int columns = (int) product.n();
        long step = block * kernels.maxDepth();
        int depth = (int) Math.min(kernels.maxDepth(), product.k() - step);
        int panelStride = kernels.panelColumns() * kernels.maxDepth();
        int panels = (int) Strategy.ceilDivide(columns, kernels.panelColumns());
        int group = 8 * kernels.tileRows();
        Object packedPanels = scratch.panels(panels * panelStride);
        Object packedRows = scratch.rows(group * kernels.rowStride());
        Packing.panels(kernels, product.b(), operands, step, 0, depth, columns, packedPanels, 0, panelStride, scratch);
        for (int row = 0; row < rows; row += group) {
            int height = Math.min(group, rows - row);
            Packing.rows(kernels, product.a(), operands, row, step, height, depth, packedRows, 0, scratch);
            kernels.multiply(height, columns, depth, packedRows, 0, packedPanels, 0, panelStride,
                    partials, offset + row * stride, stride, false, scratch.tile);
        }
    }

    private void add(Operands operands, int row, int rows, Object partials, int size, int stride, int count,
            boolean first) {
        Layout c = product.c();
        for (int block = 0; block < count; block++) {
            kernels.moves().store(partials, block * size + row * stride, stride, operands.c(),
                    operands.cOffset() + c.offset(row, 0), c.rowStride() * c.type().bytes(), rows,
                    (int) product.n(), product.add() || !first || block > 0);
        }
    }
}
