package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.FusedOp;
import org.adjoint.plan.PlanStep;

/**
 * Attention with an online softmax (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018; Dao,
 * "FlashAttention-2", 2023): scores exist for a block of queries and keys at a time. A task holds the sums of its
 * queries and goes through the keys block by block, so every query sees the same blocks in the same order however the
 * work is shared. Blocks that causality hides are skipped, so values behind the last visible key are not read.
 */
public final class AttentionKernel implements CpuKernel {
    private static final int QUERY_BLOCK = 64;
    private static final int KEY_BLOCK = 256;
    /** Queries that share packed keys. */
    private static final int TASK_QUERIES = 256;

    private final MatrixView q;
    private final MatrixView k;
    private final MatrixView v;
    private final MatrixView bias;
    private final MatrixView out;
    private final RowView largest;
    private final RowView totals;
    private final boolean causal;
    private final Arithmetic arithmetic;
    private final double scale;

    public AttentionKernel(PlanStep.Kernel step, FusedOp.Attention op, int vectorBits) {
        this.q = new MatrixView(step.inputs().get(0));
        this.k = new MatrixView(step.inputs().get(1));
        this.v = new MatrixView(step.inputs().get(2));
        this.bias = op.biased() ? new MatrixView(step.inputs().get(3)) : null;
        this.out = new MatrixView(step.outputs().get(0));
        this.largest = new RowView(step.outputs().get(1));
        this.totals = new RowView(step.outputs().get(2));
        this.causal = op.causal();
        this.arithmetic = Arithmetic.of(q.dtype(), vectorBits);
        this.scale = arithmetic.round(op.scale());
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        int groups = (q.rows() + TASK_QUERIES - 1) / TASK_QUERIES;
        parallel.run(Math.toIntExact(q.count() * groups), (task, worker) -> {
            int first = task % groups * TASK_QUERIES;
            new Task(slots, task / groups, first, Math.min(TASK_QUERIES, q.rows() - first)).run();
        });
    }

    /** A group of queries of one head. */
    private final class Task {
        private final MemorySegment[] slots;
        private final long head;
        private final int first;
        private final int count;
        private final int stride = arithmetic.panels.rowStride();
        private final BlockProducts products;
        private final BlockProducts.Packed[] queries;
        private final Object keys;
        private final Object values;
        private final Object scores;
        private final Object sums;
        private final Object max;
        private final Object total;
        private final Object row;

        Task(MemorySegment[] slots, long head, int first, int count) {
            this.slots = slots;
            this.head = head;
            this.first = first;
            this.count = count;
            Scratch scratch = Scratch.local();
            this.products = new BlockProducts(arithmetic, scratch);
            this.queries = new BlockProducts.Packed[(count + QUERY_BLOCK - 1) / QUERY_BLOCK];
            int size = products.rowsSize(QUERY_BLOCK, q.columns());
            Object packed = scratch.array(arithmetic, 0, queries.length * size);
            for (int i = 0; i < queries.length; i++) {
                queries[i] = products.packRows(q, q.memory(slots), head, first + i * QUERY_BLOCK,
                    Math.min(QUERY_BLOCK, count - i * QUERY_BLOCK), packed, i * size);
            }
            this.keys = scratch.array(arithmetic, 1, products.panelsSize(q.columns(), KEY_BLOCK));
            this.values = scratch.array(arithmetic, 2, products.panelsSize(KEY_BLOCK, v.columns()));
            this.scores = scratch.array(arithmetic, 3, QUERY_BLOCK * stride);
            this.sums = scratch.array(arithmetic, 4, count * v.columns());
            this.max = scratch.array(arithmetic, 5, count);
            this.total = scratch.array(arithmetic, 6, count);
            this.row = scratch.array(arithmetic, 7, KEY_BLOCK);
        }

        void run() {
            arithmetic.fill(sums, 0, count * v.columns(), 0);
            arithmetic.fill(max, 0, count, Double.NEGATIVE_INFINITY);
            arithmetic.fill(total, 0, count, 0);
            int visible = causal ? Math.min(k.rows(), first + count) : k.rows();
            for (int key = 0; key < visible; key += KEY_BLOCK) {
                int keyCount = Math.min(KEY_BLOCK, k.rows() - key);
                var packedKeys = products.packPanelsTransposed(k, k.memory(slots), head, key, keyCount, scale, keys,
                    0, 0);
                var packedValues = products.packPanels(v, v.memory(slots), head, key, keyCount, values, 0);
                for (int query = 0; query < count; query += QUERY_BLOCK) {
                    block(query, packedKeys, packedValues, key);
                }
            }
            finish();
        }

        private void block(int query, BlockProducts.Packed keys, BlockProducts.Packed values, int key) {
            BlockProducts.Packed packed = queries[query / QUERY_BLOCK];
            int rows = packed.extent();
            int used = causal ? Math.min(keys.extent(), first + query + rows - key) : keys.extent();
            if (used <= 0) {
                return;
            }
            products.multiply(rows, used, q.columns(), packed, keys, scores, 0, stride, false);
            for (int i = 0; i < rows; i++) {
                int visible = causal ? Math.clamp(first + query + i - key + 1, 0, used) : used;
                weigh(query + i, i * stride, key, visible);
                arithmetic.fill(scores, i * stride + visible, used - visible, 0);
            }
            products.multiply(rows, v.columns(), used, BlockProducts.asRows(scores, rows, used), values, sums,
                query * v.columns(), v.columns(), true);
        }

        /** Turns a row of products into weights relative to the largest score so far, and brings the sums to it. */
        private void weigh(int query, int at, int key, int visible) {
            if (visible == 0) {
                return;
            }
            if (bias != null) {
                addBias(first + query, key, at, visible);
            }
            double before = arithmetic.get(max, query);
            double largest = Math.max(before, arithmetic.max(scores, at, visible));
            // Where nothing was visible yet, every weight is exp(-infinity - 0) = 0.
            double shift = largest == Double.NEGATIVE_INFINITY ? 0 : largest;
            double sum = arithmetic.expSum(scores, at, shift, scores, at, visible);
            if (before == Double.NEGATIVE_INFINITY) {
                arithmetic.set(max, query, largest);
            } else if (largest != before) {
                double shrink = arithmetic.exp(arithmetic.round(before - shift), row);
                arithmetic.set(max, query, largest);
                arithmetic.set(total, query, arithmetic.round(arithmetic.get(total, query) * shrink));
                arithmetic.scale(sums, query * v.columns(), shrink, sums, query * v.columns(), v.columns());
            }
            arithmetic.set(total, query, arithmetic.round(arithmetic.get(total, query) + sum));
        }

        private void addBias(int query, int key, int at, int visible) {
            MemorySegment memory = bias.memory(slots);
            if (bias.columnStride() == 1) {
                arithmetic.load(memory, bias.offset(head, query, key), bias.dtype(), row, 0, visible);
            } else {
                for (int j = 0; j < visible; j++) {
                    arithmetic.set(row, j, Cells.floating(bias.dtype(), memory, bias.offset(head, query, key + j)));
                }
            }
            arithmetic.add(scores, at, row, 0, scores, at, visible);
        }

        private void finish() {
            int width = v.columns();
            for (int i = 0; i < count; i++) {
                double reciprocal = arithmetic.round(1 / arithmetic.get(total, i));
                arithmetic.scale(sums, i * width, reciprocal, sums, i * width, width);
            }
            out.store(arithmetic, slots, head, first, count, sums);
            for (int i = 0; i < count; i++) {
                if (arithmetic.get(max, i) == Double.NEGATIVE_INFINITY) {
                    arithmetic.set(total, i, Double.NaN);
                }
            }
            // Rows of the statistics are as long as there are queries.
            arithmetic.store(max, 0, largest.memory(slots), at(largest), largest.dtype(), count);
            arithmetic.store(total, 0, totals.memory(slots), at(totals), totals.dtype(), count);
        }

        private long at(RowView statistic) {
            return statistic.offset(head) + (long) first * statistic.dtype().bytes();
        }
    }
}
