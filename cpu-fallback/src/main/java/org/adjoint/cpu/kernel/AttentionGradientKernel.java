package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.UnaryOp;
import org.adjoint.plan.PlanStep;

/**
 * The gradient of attention, block by block from the saved statistics (Dao et al., "FlashAttention", 2022, algorithm
 * 4). A task is one head; its key blocks are visited in order, and under each its query blocks, so sums have one order.
 *
 * <p>Scores are computed as {@link AttentionKernel} computes them, to the bit. Less the saved maximum they are small
 * where weights are not; only then the logarithm of the saved sum is subtracted. So weights err by some roundings
 * however large the scores are.
 *
 * <p>Blocks are held transposed, keys by queries: so the statistics of the queries are rows, and the weights and
 * their gradient are left operands of the products for dv and dk as they stand.
 */
public final class AttentionGradientKernel implements CpuKernel {
    private static final int QUERY_BLOCK = 64;
    private static final int KEY_BLOCK = 128;
    private static final int STATISTICS = 2;

    private final MatrixView q;
    private final MatrixView k;
    private final MatrixView v;
    private final MatrixView bias;
    private final MatrixView out;
    private final RowView max;
    private final RowView total;
    private final MatrixView dout;
    private final MatrixView dq;
    private final MatrixView dk;
    private final MatrixView dv;
    private final boolean causal;
    /** Whether statistics are subtracted behind the product, not in it: a bias comes before, and chains are added. */
    private final boolean shiftsApart;
    private final Arithmetic arithmetic;
    private final double scale;

    public AttentionGradientKernel(PlanStep.Kernel step, FusedOp.AttentionGradient op, int vectorBits) {
        int next = op.biased() ? 4 : 3;
        this.q = new MatrixView(step.inputs().get(0));
        this.k = new MatrixView(step.inputs().get(1));
        this.v = new MatrixView(step.inputs().get(2));
        this.bias = op.biased() ? new MatrixView(step.inputs().get(3)) : null;
        this.out = new MatrixView(step.inputs().get(next));
        this.max = new RowView(step.inputs().get(next + 1));
        this.total = new RowView(step.inputs().get(next + 2));
        this.dout = new MatrixView(step.inputs().get(next + 3));
        this.dq = new MatrixView(step.outputs().get(0));
        this.dk = new MatrixView(step.outputs().get(1));
        this.dv = new MatrixView(step.outputs().get(2));
        this.causal = op.causal();
        this.arithmetic = Arithmetic.of(q.dtype(), vectorBits);
        this.scale = arithmetic.round(op.scale());
        this.shiftsApart = bias != null || q.columns() + STATISTICS > arithmetic.panels.maxDepth();
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        parallel.run(Math.toIntExact(q.count()), (head, worker) -> new Head(slots, head).run());
    }

    /**
     * What a block of queries brings to every block of keys: q, with the statistics behind it unless they are
     * subtracted apart, and dout with -delta, both transposed; and both as they are.
     */
    private record Queries(int first, int count, BlockProducts.Packed transposed, BlockProducts.Packed panels,
        BlockProducts.Packed cotangentsTransposed, BlockProducts.Packed cotangents) { }

    private final class Head {
        private final int d = q.columns();
        private final int e = v.columns();
        private final MemorySegment[] slots;
        private final long head;
        private final Scratch scratch = Scratch.local();
        private final BlockProducts products = new BlockProducts(arithmetic, scratch);
        private final Object keyRows = scratch.array(arithmetic, 0, products.rowsSize(KEY_BLOCK, d + STATISTICS));
        private final Object keyColumns = scratch.array(arithmetic, 1, products.rowsSize(d, KEY_BLOCK));
        private final Object valueRows = scratch.array(arithmetic, 2, products.rowsSize(KEY_BLOCK, e + 1));
        /** Keys by queries, rows of QUERY_BLOCK elements, so that a block is one row to elementwise kernels. */
        private final Object weights = scratch.array(arithmetic, 3, KEY_BLOCK * QUERY_BLOCK);
        private final Object gradients = scratch.array(arithmetic, 4, KEY_BLOCK * QUERY_BLOCK);
        private final Object packedBlock =
            scratch.array(arithmetic, 5, Math.max(products.rowsSize(KEY_BLOCK, QUERY_BLOCK),
                products.panelsSize(KEY_BLOCK, QUERY_BLOCK)));
        /** Of each block of queries the transpose, d by QUERY_BLOCK. */
        private final Object dqTransposed;
        private final Object dkRows = scratch.array(arithmetic, 7, KEY_BLOCK * d);
        private final Object dvRows = scratch.array(arithmetic, 8, KEY_BLOCK * e);
        private final Object row = scratch.array(arithmetic, 9, QUERY_BLOCK);
        /** {@code -max} and {@code -log(total)} of all queries. */
        private final Object[] shifts;
        private final Queries[] queries;

        Head(MemorySegment[] slots, long head) {
            this.slots = slots;
            this.head = head;
            this.queries = new Queries[(q.rows() + QUERY_BLOCK - 1) / QUERY_BLOCK];
            this.dqTransposed = scratch.array(arithmetic, 6, Math.multiplyExact(queries.length * QUERY_BLOCK, d));
            this.shifts = new Object[] {scratch.array(arithmetic, 16, q.rows()),
                scratch.array(arithmetic, 17, q.rows())};
            loadShifts();
            packQueries();
        }

        private void loadShifts() {
            int n = q.rows();
            arithmetic.load(max.memory(slots), max.offset(head), max.dtype(), shifts[0], 0, n);
            arithmetic.load(total.memory(slots), total.offset(head), total.dtype(), shifts[1], 0, n);
            arithmetic.unary(UnaryOp.LOG, shifts[1], 0, shifts[1], 0, n);
            for (Object shift : shifts) {
                arithmetic.scale(shift, 0, -1, shift, 0, n);
            }
        }

        private void packQueries() {
            int forward = products.panelsSize(d + STATISTICS, QUERY_BLOCK);
            int forwardPanels = products.panelsSize(QUERY_BLOCK, d);
            int cotangent = products.panelsSize(e + 1, QUERY_BLOCK);
            int cotangentPanels = products.panelsSize(QUERY_BLOCK, e);
            Object transposed = scratch.array(arithmetic, 10, Math.multiplyExact(queries.length, forward));
            Object panels = scratch.array(arithmetic, 11, Math.multiplyExact(queries.length, forwardPanels));
            Object doutTransposed = scratch.array(arithmetic, 12, Math.multiplyExact(queries.length, cotangent));
            Object doutPanels = scratch.array(arithmetic, 13, Math.multiplyExact(queries.length, cotangentPanels));
            MemorySegment from = q.memory(slots);
            MemorySegment fromDout = dout.memory(slots);
            Object[] behind = shiftsApart ? new Object[0] : shifts;
            for (int i = 0; i < queries.length; i++) {
                int first = i * QUERY_BLOCK;
                int count = Math.min(QUERY_BLOCK, q.rows() - first);
                loadDelta(first, count);
                queries[i] = new Queries(first, count,
                    products.packPanelsTransposed(q, from, head, first, count, 1, transposed, i * forward, first,
                        behind),
                    products.packPanels(q, from, head, first, count, panels, i * forwardPanels),
                    products.packPanelsTransposed(dout, fromDout, head, first, count, 1, doutTransposed, i * cotangent,
                        0, row),
                    products.packPanels(dout, fromDout, head, first, count, doutPanels, i * cotangentPanels));
            }
        }

        /**
         * {@code -delta} of a block of queries, where {@code delta = sum(dout out)} is what {@code p dp} of a row sums
         * to. It is summed as the products dp are: where one key has all the weight, {@code dp - delta} is 0.
         */
        private void loadDelta(int first, int count) {
            Object outRows = scratch.array(arithmetic, 14, QUERY_BLOCK * e);
            Object doutRows = scratch.array(arithmetic, 15, QUERY_BLOCK * e);
            out.load(arithmetic, slots, head, first, count, outRows);
            dout.load(arithmetic, slots, head, first, count, doutRows);
            Chains.sums(arithmetic, outRows, doutRows, count, e, row);
            arithmetic.scale(row, 0, -1, row, 0, count);
        }

        void run() {
            arithmetic.fill(dqTransposed, 0, queries.length * QUERY_BLOCK * d, 0);
            for (int key = 0; key < k.rows(); key += KEY_BLOCK) {
                keyBlock(key, Math.min(KEY_BLOCK, k.rows() - key));
            }
            arithmetic.scale(dqTransposed, 0, scale, dqTransposed, 0, queries.length * QUERY_BLOCK * d);
            for (Queries block : queries) {
                storeQueryGradient(block);
            }
        }

        private void keyBlock(int key, int keys) {
            var keyPack = products.packRowsAndOnes(k, k.memory(slots), head, key, keys, scale, STATISTICS, keyRows);
            var columnPack = products.packRowsTransposed(k, k.memory(slots), head, key, keys, keyColumns);
            var valuePack = products.packRowsAndOnes(v, v.memory(slots), head, key, keys, 1, 1, valueRows);
            arithmetic.fill(dkRows, 0, keys * d, 0);
            arithmetic.fill(dvRows, 0, keys * e, 0);
            for (Queries block : queries) {
                int used = causal ? Math.min(keys, block.first() + block.count() - key) : keys;
                if (used > 0) {
                    weigh(block, keyPack, valuePack, key, used);
                    accumulate(block, columnPack, used);
                }
            }
            arithmetic.scale(dkRows, 0, scale, dkRows, 0, keys * d);
            dk.store(arithmetic, slots, head, key, keys, dkRows);
            dv.store(arithmetic, slots, head, key, keys, dvRows);
        }

        /** {@code p = exp(scale k q^T + bias - max - log(total))} and {@code p (v dout^T - delta)}, keys by queries. */
        private void weigh(Queries block, BlockProducts.Packed keys, BlockProducts.Packed values, int key, int used) {
            int n = block.count();
            int depth = block.transposed().depth();
            products.multiply(used, n, depth, keys, block.transposed(), weights, 0, QUERY_BLOCK, false);
            products.multiply(used, n, e + 1, values, block.cotangentsTransposed(), gradients, 0, QUERY_BLOCK, false);
            for (int j = 0; j < used && shiftsApart; j++) {
                if (bias != null) {
                    addBias(block, key + j, j * QUERY_BLOCK);
                }
                for (Object shift : shifts) {
                    arithmetic.add(weights, j * QUERY_BLOCK, shift, block.first(), weights, j * QUERY_BLOCK, n);
                }
            }
            arithmetic.exp(weights, 0, 0, weights, 0, used * QUERY_BLOCK);
            arithmetic.multiply(gradients, 0, weights, 0, gradients, 0, used * QUERY_BLOCK);
            for (int j = Math.max(0, block.first() - key + 1); j < used && causal; j++) {
                int hidden = Math.min(n, key + j - block.first());
                arithmetic.fill(weights, j * QUERY_BLOCK, hidden, 0);
                arithmetic.fill(gradients, j * QUERY_BLOCK, hidden, 0);
            }
        }

        private void addBias(Queries block, int key, int at) {
            for (int i = 0; i < block.count(); i++) {
                long from = bias.offset(head, block.first() + i, key);
                arithmetic.set(row, i, Cells.floating(bias.dtype(), bias.memory(slots), from));
            }
            arithmetic.add(weights, at, row, 0, weights, at, block.count());
        }

        private void accumulate(Queries block, BlockProducts.Packed keyColumns, int used) {
            int n = block.count();
            products.multiply(used, e, n, products.packRows(weights, QUERY_BLOCK, used, n, packedBlock),
                block.cotangents(), dvRows, 0, e, true);
            products.multiply(used, d, n, products.packRows(gradients, QUERY_BLOCK, used, n, packedBlock),
                block.panels(), dkRows, 0, d, true);
            products.multiply(d, n, used, keyColumns, products.packPanels(gradients, QUERY_BLOCK, used, n, packedBlock),
                dqTransposed, block.first() * d, QUERY_BLOCK, true);
        }

        private void storeQueryGradient(Queries block) {
            Object rows = scratch.array(arithmetic, 14, QUERY_BLOCK * d);
            arithmetic.transpose(dqTransposed, block.first() * d, QUERY_BLOCK, d, block.count(), rows);
            dq.store(arithmetic, slots, head, block.first(), block.count(), rows);
        }
    }
}
