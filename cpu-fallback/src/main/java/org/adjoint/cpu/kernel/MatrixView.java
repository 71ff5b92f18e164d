package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.LongConsumer;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.DType;
import org.adjoint.graph.TensorType;
import org.adjoint.plan.View;

/** A view as a batch of matrices over its last two axes; all axes may have any strides. */
final class MatrixView {
    /** Elements a task handles: enough to outweigh its launch. */
    private static final long TASK_ELEMENTS = 4096;

    private final RowView batches;
    private final long rowBytes;
    private final long columnBytes;
    private final int rows;
    private final int columns;

    MatrixView(View view) {
        int rank = view.shape().rank();
        int bytes = view.dtype().bytes();
        this.rows = Math.toIntExact(view.shape().extent(rank - 2));
        this.columns = Math.toIntExact(view.shape().extent(rank - 1));
        this.rowBytes = view.strides()[rank - 2] * bytes;
        this.columnBytes = view.strides()[rank - 1] * bytes;
        this.batches = new RowView(
            ArgReduceKernel.withoutAxis(ArgReduceKernel.withoutAxis(view, rank - 1), rank - 2), 0);
    }

    DType dtype() {
        return batches.dtype();
    }

    /** How many matrices. */
    long count() {
        return batches.count();
    }

    int rows() {
        return rows;
    }

    int columns() {
        return columns;
    }

    /** Elements from one row to the next. */
    long rowStride() {
        return rowBytes / dtype().bytes();
    }

    /** Elements from one column to the next. */
    long columnStride() {
        return columnBytes / dtype().bytes();
    }

    MemorySegment memory(MemorySegment[] slots) {
        return batches.memory(slots);
    }

    /** Where a row of a matrix starts, in bytes from the start of the memory. */
    long offset(long matrix, int row) {
        return batches.offset(matrix) + row * rowBytes;
    }

    /** Where an element of a matrix lies, in bytes from the start of the memory. */
    long offset(long matrix, int row, int column) {
        return offset(matrix, row) + column * columnBytes;
    }

    /** An element of the matrix that starts at byte {@code start}. */
    double get(MemorySegment memory, long start, int row, int column) {
        return Cells.floating(dtype(), memory, start + row * rowBytes + column * columnBytes);
    }

    /** Rounds and stores an element, {@code F32} or {@code F64}, of the matrix that starts at byte {@code start}. */
    void set(MemorySegment memory, long start, int row, int column, double value) {
        long at = start + row * rowBytes + column * columnBytes;
        if (dtype() == DType.F32) {
            memory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, (float) value);
        } else {
            memory.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, at, value);
        }
    }

    /** Runs a task for each matrix, or for some of them where they are small. */
    void forEach(Parallel parallel, LongConsumer body) {
        long perTask = Math.max(1, TASK_ELEMENTS / Math.max(1, (long) rows * columns));
        parallel.run(Math.toIntExact(Math.ceilDiv(count(), perTask)), (task, worker) -> {
            for (long matrix = task * perTask; matrix < Math.min(count(), (task + 1) * perTask); matrix++) {
                body.accept(matrix);
            }
        });
    }

    /** Extent of a tensor's last axis but one. */
    static long rows(TensorType type) {
        return type.shape().extent(type.shape().rank() - 2);
    }

    /** Extent of a tensor's last axis. */
    static long columns(TensorType type) {
        return type.shape().extent(type.shape().rank() - 1);
    }

    /** Rows of a matrix side by side in {@code target}; the columns lie side by side in memory. */
    void load(Arithmetic arithmetic, MemorySegment[] slots, long matrix, int row, int count, Object target) {
        if (rowStride() == columns) {
            arithmetic.load(memory(slots), offset(matrix, row), dtype(), target, 0, count * columns);
            return;
        }
        for (int i = 0; i < count; i++) {
            arithmetic.load(memory(slots), offset(matrix, row + i), dtype(), target, i * columns, columns);
        }
    }

    /** What {@link #load} reads, written. */
    void store(Arithmetic arithmetic, MemorySegment[] slots, long matrix, int row, int count, Object source) {
        if (rowStride() == columns) {
            arithmetic.store(source, 0, memory(slots), offset(matrix, row), dtype(), count * columns);
            return;
        }
        for (int i = 0; i < count; i++) {
            arithmetic.store(source, i * columns, memory(slots), offset(matrix, row + i), dtype(), columns);
        }
    }
}
