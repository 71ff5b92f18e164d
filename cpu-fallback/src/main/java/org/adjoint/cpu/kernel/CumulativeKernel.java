package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.CumulativeOp;
import org.adjoint.graph.Shape;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/**
 * Running results along an axis, of inputs with any strides. Floating types are accumulated in {@code double}, so
 * that a
 * result of another type is off by little more than its rounding. Lines that lie side by side advance together, in
 * blocks of columns; other lines go one by one, and long ones in parts of fixed size, whose totals are joined first.
 */
public final class CumulativeKernel implements CpuKernel {
    private static final int CHUNK = LineState.CHUNK;
    /** Elements of a line for one task. */
    private static final long PART = 64 * CHUNK;
    private static final int TASK_ELEMENTS = 16384;
    /** Fewer lines side by side than this are not worth a loop of their own. */
    private static final int FEW_COLUMNS = 8;

    private final LineState.Kind kind;
    private final Input x;
    /** The second input of a linear recurrence, else null. */
    private final Input b;
    private final View y;
    private final long extent;
    private final long inner;
    private final long lines;
    /** Lines that lie side by side in y, by their numbers: 1 where they are taken one by one. */
    private final long run;

    public CumulativeKernel(PlanStep.Kernel step, CumulativeOp op) {
        int axis = switch (op) {
            case CumulativeOp.Cumulative cumulative -> cumulative.axis();
            case CumulativeOp.LinearRecurrence recurrence -> recurrence.axis();
        };
        this.x = new Input(step.inputs().getFirst(), axis);
        this.b = op instanceof CumulativeOp.LinearRecurrence ? new Input(step.inputs().get(1), axis) : null;
        this.kind = LineState.Kind.of(op, step.inputs().getFirst().dtype());
        this.y = step.outputs().getFirst();
        Shape shape = y.shape();
        this.extent = shape.extent(axis);
        this.lines = shape.without(axis).elements();
        long behind = 1;
        for (int i = axis + 1; i < shape.rank(); i++) {
            behind *= shape.extent(i);
        }
        this.inner = behind;
        long side = axis == shape.rank() - 1 ? 1 : shape.extent(shape.rank() - 1);
        this.run = side < FEW_COLUMNS ? 1 : side;
    }

    /** An input as lines along the axis; strides in bytes. */
    private static final class Input {
        final RowView lines;
        final View view;
        final long along;
        final long across;

        Input(View view, int axis) {
            this.view = view;
            this.along = view.strides()[axis] * view.dtype().bytes();
            int last = view.shape().rank() - 1;
            this.across = view.strides()[last] * view.dtype().bytes();
            this.lines = new RowView(ArgReduceKernel.withoutAxis(view, axis), 0);
        }
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        if (lines == 0 || extent == 0) {
            return;
        }
        if (run > 1) {
            long blocks = Math.ceilDiv(run, CHUNK);
            parallel.run(Math.toIntExact(lines / run * blocks), (task, worker) -> {
                long first = task % blocks * CHUNK;
                columns(slots, task / blocks * run + first, (int) Math.min(CHUNK, run - first));
            });
            return;
        }
        long parts = Math.ceilDiv(extent, PART);
        if (parts == 1) {
            long perTask = Math.max(1, TASK_ELEMENTS / extent);
            parallel.run(Math.toIntExact(Math.ceilDiv(lines, perTask)), (task, worker) -> {
                LineState state = new LineState(kind);
                for (long line = task * perTask; line < Math.min(lines, (task + 1) * perTask); line++) {
                    state.clear();
                    part(slots, line, 0, extent, state, true);
                }
            });
            return;
        }
        LineState[] totals = new LineState[Math.toIntExact(lines * parts)];
        parallel.run(totals.length, (task, worker) -> {
            totals[task] = new LineState(kind);
            long first = task % parts * PART;
            part(slots, task / parts, first, Math.min(extent, first + PART), totals[task], false);
        });
        for (int task = 0; task < totals.length; task++) {
            if (task % parts > 0) {
                totals[task].follow(totals[task - 1]);
            }
        }
        parallel.run(totals.length, (task, worker) -> {
            LineState state = new LineState(kind);
            if (task % parts > 0) {
                state.follow(totals[task - 1]);
            }
            long first = task % parts * PART;
            part(slots, task / parts, first, Math.min(extent, first + PART), state, true);
        });
    }

    private long target(long line, long i) {
        return y.byteOffset() + (line / inner * extent * inner + line % inner + i * inner) * y.dtype().bytes();
    }

    /** Elements {@code from} to {@code to} of a line. */
    private void part(MemorySegment[] slots, long line, long from, long to, LineState state, boolean stores) {
        LineBuffer buffer = LineBuffer.local();
        for (long i = from; i < to; i += CHUNK) {
            int n = (int) Math.min(CHUNK, to - i);
            load(slots, buffer, line, i, true, n);
            state.along(buffer, i, n);
            if (stores) {
                buffer.store(kind, slots[y.slot()], y.dtype(), target(line, i), inner * y.dtype().bytes(), n);
            }
        }
    }

    /** {@code n} lines from {@code line} on, element by element. */
    private void columns(MemorySegment[] slots, long line, int n) {
        LineBuffer buffer = LineBuffer.local();
        for (long i = 0; i < extent; i++) {
            load(slots, buffer, line, i, false, n);
            buffer.advance(kind, i, n);
            buffer.store(kind, slots[y.slot()], y.dtype(), target(line, i), y.dtype().bytes(), n);
        }
    }

    private void load(MemorySegment[] slots, LineBuffer buffer, long line, long i, boolean along, int n) {
        MemorySegment memory = slots[x.view.slot()];
        long offset = x.lines.offset(line) + i * x.along;
        long stride = along ? x.along : x.across;
        if (!x.view.dtype().isFloating()) {
            buffer.loadWhole(memory, x.view.dtype(), offset, stride, n);
            return;
        }
        buffer.loadReal(buffer.reals, memory, x.view.dtype(), offset, stride, n);
        if (b != null) {
            buffer.loadReal(buffer.terms, slots[b.view.slot()], b.view.dtype(), b.lines.offset(line) + i * b.along,
                along ? b.along : b.across, n);
        }
    }
}
