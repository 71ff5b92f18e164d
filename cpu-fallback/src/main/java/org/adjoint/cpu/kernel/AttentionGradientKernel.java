package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.FusedOp;
import org.adjoint.plan.PlanStep;

/**
 * The gradient of attention, block by block from the saved log-sum-exp (Dao et al., "FlashAttention", 2022, algorithm 4).
 * A task is one head; its key blocks are visited in order, and under each its query blocks, so sums have one order.
 *
 * <p>Blocks are held transposed, keys by queries: so the statistics of the queries are rows, and the weights and
 * their gradient are left operands of the products for dv and dk as they stand.
 */
public final class AttentionGradientKernel implements CpuKernel {
    private static final int QUERY_BLOCK = AttentionKernel.QUERY_BLOCK;
    private static final int KEY_BLOCK = AttentionKernel.KEY_BLOCK;

    private final MatrixView q;
    private final MatrixView k;
    private final MatrixView v;
    private final MatrixView bias;
    private final MatrixView out;
    private final RowView logSumExp;
    private final MatrixView dout;
    private final MatrixView dq;
    private final MatrixView dk;
    private final MatrixView dv;
    private final boolean causal;
    private final Arithmetic arithmetic;
    private final double scale;

    public AttentionGradientKernel(PlanStep.Kernel step, FusedOp.AttentionGradient op, int vectorBits) {
        int next = op.biased() ? 4 : 3;
        this.q = new MatrixView(step.inputs().get(0));
        this.k = new MatrixView(step.inputs().get(1));
        this.v = new MatrixView(step.inputs().get(2));
        this.bias = op.biased() ? new MatrixView(step.inputs().get(3)) : null;
        this.out = new MatrixView(step.inputs().get(next));
        this.logSumExp = new RowView(step.inputs().get(next + 1));
        this.dout = new MatrixView(step.inputs().get(next + 2));
        this.dq = new MatrixView(step.outputs().get(0));
        this.dk = new MatrixView(step.outputs().get(1));
        this.dv = new MatrixView(step.outputs().get(2));
        this.causal = op.causal();
        this.arithmetic = Arithmetic.of(q.dtype(), vectorBits);
        this.scale = arithmetic.round(op.scale());
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        parallel.run(Math.toIntExact(q.count()), (head, worker) -> new Head(slots, head).run());
    }

    /** What a block of queries brings to every block of keys: q and dout packed in two ways. */
    private record Queries(int first, int count, BlockProducts.Packed transposed, BlockProducts.Packed panels,
        BlockProducts.Packed cotangentsTransposed, BlockProducts.Packed cotangents) { }

    private final class Head {
        private final MemorySegment[] slots;
        private final long head;
        private final int stride = arithmetic.panels.rowStride();
        private final BlockProducts products;
        private final Queries[] queries;
        private final Object keyRows;
        private final Object keyColumns;
        private final Object valueRows;
        private final Object weights;
        private final Object gradients;
        private final Object gradientPanels;
        private final Object dqTransposed;
        private final Object dkRows;
        private final Object dvRows;
        private final Object negativeLogSumExp;
        private final Object negativeDelta;
        private final Object row;

        Head(MemorySegment[] slots, long head) {
            this.slots = slots;
            this.head = head;
            Scratch scratch = Scratch.local();
            int d = q.columns();
            int e = v.columns();
            this.products = new BlockProducts(arithmetic, scratch);
            this.keyRows = scratch.array(arithmetic, 0, products.rowsSize(KEY_BLOCK, d));
            this.keyColumns = scratch.array(arithmetic, 1, products.rowsSize(d, KEY_BLOCK));
            this.valueRows = scratch.array(arithmetic, 2, products.rowsSize(KEY_BLOCK, e));
            this.weights = scratch.array(arithmetic, 3, KEY_BLOCK * stride);
            this.gradients = scratch.array(arithmetic, 4, KEY_BLOCK * stride);
            this.gradientPanels = scratch.array(arithmetic, 5, products.panelsSize(KEY_BLOCK, QUERY_BLOCK));
            this.dqTransposed = scratch.array(arithmetic, 6, Math.multiplyExact(d, q.rows()));
            this.dkRows = scratch.array(arithmetic, 7, KEY_BLOCK * d);
            this.dvRows = scratch.array(arithmetic, 8, KEY_BLOCK * e);
            this.negativeLogSumExp = scratch.array(arithmetic, 9, q.rows());
            this.negativeDelta = scratch.array(arithmetic, 10, q.rows());
            this.row = scratch.array(arithmetic, 11, Math.max(QUERY_BLOCK, Math.max(d, e)));
            this.queries = packQueries(scratch);
        }

        private Queries[] packQueries(Scratch scratch) {
            int d = q.columns();
            int e = v.columns();
            Queries[] blocks = new Queries[(q.rows() + QUERY_BLOCK - 1) / QUERY_BLOCK];
            int forward = products.panelsSize(d, QUERY_BLOCK);
            int cotangent = products.panelsSize(e, QUERY_BLOCK);
            int forwardPanels = products.panelsSize(QUERY_BLOCK, d);
            int cotangentPanels = products.panelsSize(QUERY_BLOCK, e);
            Object transposed = scratch.array(arithmetic, 12, Math.multiplyExact(blocks.length, forward));
            Object panels = scratch.array(arithmetic, 13, Math.multiplyExact(blocks.length, forwardPanels));
            Object doutTransposed = scratch.array(arithmetic, 14, Math.multiplyExact(blocks.length, cotangent));
            Object doutPanels = scratch.array(arithmetic, 15, Math.multiplyExact(blocks.length, cotangentPanels));
            MemorySegment from = q.memory(slots);
            MemorySegment fromDout = dout.memory(slots);
            for (int i = 0; i < blocks.length; i++) {
                int first = i * QUERY_BLOCK;
                int count = Math.min(QUERY_BLOCK, q.rows() - first);
                blocks[i] = new Queries(first, count,
                    products.packPanelsTransposed(q, from, head, first, count, transposed, i * forward),
                    products.packPanels(q, from, head, first, count, panels, i * forwardPanels),
                    products.packPanelsTransposed(dout, fromDout, head, first, count, doutTransposed, i * cotangent),
                    products.packPanels(dout, fromDout, head, first, count, doutPanels, i * cotangentPanels));
            }
            return blocks;
        }

        void run() {
            arithmetic.fill(dqTransposed, 0, q.columns() * q.rows(), 0);
            loadStatistics();
            for (int key = 0; key < k.rows(); key += KEY_BLOCK) {
                keyBlock(key, Math.min(KEY_BLOCK, k.rows() - key));
            }
            storeQueryGradient();
        }

        /** {@code -logSumExp}, and {@code -sum(dout out)}: what {@code p dp} of a row sums to, negated. */
        private void loadStatistics() {
            arithmetic.load(logSumExp.memory(slots), logSumExp.offset(head), logSumExp.dtype(), negativeLogSumExp, 0,
                q.rows());
            arithmetic.scale(negativeLogSumExp, 0, -1, negativeLogSumExp, 0, q.rows());
            int e = v.columns();
            for (int i = 0; i < q.rows(); i++) {
                arithmetic.load(out.memory(slots), out.offset(head, i), out.dtype(), row, 0, e);
                arithmetic.load(dout.memory(slots), dout.offset(head, i), dout.dtype(), dvRows, 0, e);
                arithmetic.multiply(row, 0, dvRows, 0, row, 0, e);
                arithmetic.set(negativeDelta, i, -arithmetic.sum(row, 0, e));
            }
        }

        private void keyBlock(int key, int keys) {
            int d = q.columns();
            int e = v.columns();
            var keyPack = products.packRows(k, k.memory(slots), head, key, keys, keyRows, 0);
            var columnPack = products.packRowsTransposed(k, k.memory(slots), head, key, keys, keyColumns);
            var valuePack = products.packRows(v, v.memory(slots), head, key, keys, valueRows, 0);
            products.scaleRows(keyPack, scale);
            products.scaleRows(columnPack, scale);
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
            for (int j = 0; j < keys; j++) {
                arithmetic.store(dkRows, j * d, dk.memory(slots), dk.offset(head, key + j), dk.dtype(), d);
                arithmetic.store(dvRows, j * e, dv.memory(slots), dv.offset(head, key + j), dv.dtype(), e);
            }
        }

        /** {@code p = exp(scale k q^T + bias - logSumExp)} and {@code p (v dout^T - delta)}, keys by queries. */
        private void weigh(Queries block, BlockProducts.Packed keys, BlockProducts.Packed values, int key, int used) {
            int n = block.count();
            products.multiply(used, n, q.columns(), keys, block.transposed(), weights, 0, stride, false);
            products.multiply(used, n, v.columns(), values, block.cotangentsTransposed(), gradients, 0, stride, false);
            for (int j = 0; j < used; j++) {
                int at = j * stride;
                int hidden = causal ? Math.clamp(key + j - block.first(), 0, n) : 0;
                int from = at + hidden;
                int query = block.first() + hidden;
                int seen = n - hidden;
                if (bias != null) {
                    addBias(query, key + j, from, seen);
                }
                arithmetic.add(weights, from, negativeLogSumExp, query, weights, from, seen);
                arithmetic.exp(weights, from, 0, weights, from, seen);
                arithmetic.add(gradients, from, negativeDelta, query, gradients, from, seen);
                arithmetic.multiply(gradients, from, weights, from, gradients, from, seen);
                arithmetic.fill(weights, at, hidden, 0);
                arithmetic.fill(gradients, at, hidden, 0);
            }
        }

        private void addBias(int query, int key, int at, int seen) {
            for (int i = 0; i < seen; i++) {
                double value = Cells.floating(bias.dtype(), bias.memory(slots), bias.offset(head, query + i, key));
                arithmetic.set(row, i, value);
            }
            arithmetic.add(weights, at, row, 0, weights, at, seen);
        }

        private void accumulate(Queries block, BlockProducts.Packed keyColumns, int used) {
            int d = q.columns();
            int e = v.columns();
            int n = block.count();
            products.multiply(used, e, n, BlockProducts.asRows(weights, used, n), block.cotangents(), dvRows, 0, e, true);
            products.multiply(used, d, n, BlockProducts.asRows(gradients, used, n), block.panels(), dkRows, 0, d, true);
            var panels = products.packPanels(gradients, stride, used, n, gradientPanels);
            products.multiply(d, n, used, keyColumns, panels, dqTransposed, block.first(), q.rows(), true);
        }

        private void storeQueryGradient() {
            int d = q.columns();
            for (int i = 0; i < q.rows(); i++) {
                for (int c = 0; c < d; c++) {
                    arithmetic.set(row, c, arithmetic.get(dqTransposed, c * q.rows() + i));
                }
                arithmetic.store(row, 0, dq.memory(slots), dq.offset(head, i), dq.dtype(), d);
            }
        }
    }
}
