package org.adjoint.cpu.gemm;

/**
 * For large products: all workers pack a piece of both operands once, then all compute blocks of c from what was
 * packed. Needs c to hold the sums, or the depth to fit one piece.
 */
record SharedPackProduct(PanelKernels kernels, Product product, int rows, int columns) implements Strategy {

    // A piece: what is packed at a time. It bounds scratch to 6 and 12 MiB (8 and 16 MiB for F64).
    private static final int PIECE_ROWS = 1008;
    private static final int PIECE_COLUMNS = 2048;
    private static final int PIECE_STEPS = 4;

    // What one packing task takes: some tens of microseconds, and reads of whole cache lines in long runs.
    private static final int PACK_ROWS = 256;
    private static final int PACK_COLUMNS = 128;

    // Wide blocks pack their rows for more columns; this many, 384 deep, still fit an L2 cache of 1 MiB.
    private static final int WIDEST = 512;
    private static final int ENOUGH_TASKS = 20;

    static boolean fits(PanelKernels kernels, Product product) {
        return product.direct() || product.k() <= (long) PIECE_STEPS * kernels.maxDepth();
    }

    static SharedPackProduct of(PanelKernels kernels, Product product) {
        int tile = kernels.tileRows();
        int rows = 112 / tile * tile;
        int columns = WIDEST;
        long pieceRows = Math.min(product.m(), PIECE_ROWS);
        long pieceColumns = Math.min(product.n(), PIECE_COLUMNS);
        while (Strategy.ceilDivide(pieceRows, rows) * Strategy.ceilDivide(pieceColumns, columns) < ENOUGH_TASKS
                && columns > 64) {
            if (rows > 2 * tile) {
                rows = (rows / tile + 1) / 2 * tile;
            } else {
                columns /= 2;
            }
        }
        return new SharedPackProduct(kernels, product, rows, columns);
    }

    /** Rows that are contiguous cost no more to pack than to copy: each task packs its own. */
    private boolean transposeRows() {
        return product.a().columnStride() != 1;
    }

    @Override
    public void run(Operands operands, Workspace workspace, Parallel parallel) {
        ResultBlock result = new ResultBlock(kernels, product);
        int pieceDepth = PIECE_STEPS * kernels.maxDepth();
        for (long batch = 0; batch < product.batches(); batch++) {
            Operands at = operands.batch(product, batch);
            for (long column = 0; column < product.n(); column += PIECE_COLUMNS) {
                int width = (int) Math.min(PIECE_COLUMNS, product.n() - column);
                for (long step = 0; step < product.k(); step += pieceDepth) {
                    int depth = (int) Math.min(pieceDepth, product.k() - step);
                    for (long row = 0; row < product.m(); row += PIECE_ROWS) {
                        int height = (int) Math.min(PIECE_ROWS, product.m() - row);
                        new Piece(this, at, row, column, step, height, width, depth, result, workspace)
                                .run(row == 0, parallel);
                    }
                }
            }
        }
    }

    /** Part of one product: height x width of c, over depth. */
    private record Piece(SharedPackProduct strategy, Operands operands, long row, long column, long step, int height,
            int width, int depth, ResultBlock result, Workspace workspace, Object packedRows, Object packedPanels) {

        Piece(SharedPackProduct strategy, Operands operands, long row, long column, long step, int height,
                int width, int depth, ResultBlock result, Workspace workspace) {
            this(strategy, operands, row, column, step, height, width, depth, result, workspace,
                    strategy.transposeRows()
                            ? workspace.rows(blocks(strategy.kernels, depth) * height * strategy.kernels.rowStride())
                            : null,
                    workspace.panels(blocks(strategy.kernels, depth) * panels(strategy.kernels, width)
                            * strategy.kernels.panelColumns() * strategy.kernels.maxDepth()));
        }

        private static int blocks(PanelKernels kernels, int depth) {
            return (int) Strategy.ceilDivide(depth, kernels.maxDepth());
        }

        private static int panels(PanelKernels kernels, int width) {
            return (int) Strategy.ceilDivide(width, kernels.panelColumns());
        }

        private int panelStride() {
            return strategy.kernels.panelColumns() * strategy.kernels.maxDepth();
        }

        private int rowsOffset(int block, int first) {
            return (block * height + first) * strategy.kernels.rowStride();
        }

        private int panelsOffset(int block, int first) {
            return (block * panels(strategy.kernels, width) + first / strategy.kernels.panelColumns()) * panelStride();
        }

        /** Panels stay packed while pieces move down the rows. */
        void run(boolean packPanels, Parallel parallel) {
            int blocks = blocks(strategy.kernels, depth);
            int rowTasks = strategy.transposeRows()
                    ? (int) Strategy.ceilDivide(height, PACK_ROWS) * blocks : 0;
            int panelTasks = packPanels ? (int) Strategy.ceilDivide(width, PACK_COLUMNS) * blocks : 0;
            if (rowTasks + panelTasks > 0) {
                parallel.run(rowTasks + panelTasks, (task, worker) -> {
                    if (task < rowTasks) {
                        packRows(task % blocks, task / blocks * PACK_ROWS, workspace.worker(worker));
                    } else {
                        int rest = task - rowTasks;
                        packPanels(rest % blocks, rest / blocks * PACK_COLUMNS, workspace.worker(worker));
                    }
                });
            }
            int rowBlocks = (int) Strategy.ceilDivide(height, strategy.rows);
            int columnBlocks = (int) Strategy.ceilDivide(width, strategy.columns);
            parallel.run(rowBlocks * columnBlocks, (task, worker) -> multiply(task % rowBlocks * strategy.rows,
                    task / rowBlocks * strategy.columns, workspace.worker(worker)));
        }

        private int blockDepth(int block) {
            int maxDepth = strategy.kernels.maxDepth();
            return Math.min(maxDepth, depth - block * maxDepth);
        }

        private long blockStep(int block) {
            return step + (long) block * strategy.kernels.maxDepth();
        }

        private void packRows(int block, int first, Workspace.Worker scratch) {
            Packing.rows(strategy.kernels, strategy.product.a(), operands, row + first, blockStep(block),
                    Math.min(PACK_ROWS, height - first), blockDepth(block), packedRows, rowsOffset(block, first),
                    scratch);
        }

        /**
         * The rows of a block, into the worker's own cache: fourteen streams from memory that is farther away would
         * slow down the tiles by a quarter.
         */
        private void bringRows(int block, int first, int rows, Object target, Workspace.Worker scratch) {
            if (!strategy.transposeRows()) {
                Packing.rows(strategy.kernels, strategy.product.a(), operands, row + first, blockStep(block), rows,
                        blockDepth(block), target, 0, scratch);
                return;
            }
            int stride = strategy.kernels.rowStride();
            for (int i = 0; i < rows; i++) {
                System.arraycopy(packedRows, rowsOffset(block, first + i), target, i * stride, blockDepth(block));
            }
        }

        private void packPanels(int block, int first, Workspace.Worker scratch) {
            Packing.panels(strategy.kernels, strategy.product.b(), operands, blockStep(block), column + first,
                    blockDepth(block), Math.min(PACK_COLUMNS, width - first), packedPanels,
                    panelsOffset(block, first), panelStride(), scratch);
        }

        private void multiply(int firstRow, int firstColumn, Workspace.Worker scratch) {
            int rows = Math.min(strategy.rows, height - firstRow);
            int columns = Math.min(strategy.columns, width - firstColumn);
            long atRow = row + firstRow;
            long atColumn = column + firstColumn;
            result.begin(operands, atRow, atColumn, rows, columns, scratch);
            for (int block = 0; block < blocks(strategy.kernels, depth); block++) {
                Object rowsOfBlock = scratch.rows(rows * strategy.kernels.rowStride());
                bringRows(block, firstRow, rows, rowsOfBlock, scratch);
                result.add(operands, atRow, atColumn, rows, columns, blockDepth(block), step == 0 && block == 0,
                        rowsOfBlock, 0, packedPanels, panelsOffset(block, firstColumn),
                        panelStride(), scratch);
            }
            result.end(operands, atRow, atColumn, rows, columns, scratch);
        }
    }
}
