package org.adjoint.reference;

import static org.adjoint.reference.Cells.cell;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.ReduceOp;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** Runs a group: for each point of the domain, line by line. */
final class ElementwiseStep {
    private final PlanStep.Elementwise step;
    private final Group group;
    private final MemorySegment[] slots;
    /** The scalar arguments of the group. */
    private final long[] scalars;
    /** The values of the body's lines at the current point. */
    private final long[] values;
    /** What each reduced result has folded so far. */
    private final long[] folds;

    private ElementwiseStep(PlanStep.Elementwise step, MemorySegment[] slots, long[] planScalars) {
        this.step = step;
        this.group = step.group();
        this.slots = slots;
        this.scalars = Arrays.stream(step.scalars()).mapToLong(index -> planScalars[index]).toArray();
        this.values = new long[group.body().size()];
        this.folds = new long[group.results().size()];
    }

    static void run(PlanStep.Elementwise step, MemorySegment[] slots, long[] scalars) {
        new ElementwiseStep(step, slots, scalars).run();
    }

    private void run() {
        long[] extents = step.extents();
        int kept = extents.length - step.reducedAxes();
        long outer = Odometer.points(extents, 0, kept);
        long inner = Odometer.points(extents, kept, extents.length);
        List<View> views = Stream.concat(step.inputs().stream(), step.outputs().stream()).toList();
        Odometer odometer = new Odometer(extents, views);
        Odometer folded = new Odometer(Arrays.copyOf(extents, kept), step.outputs());
        for (long o = 0; o < outer; o++) {
            startFolds();
            for (long i = 0; i < inner; i++) {
                evaluate(odometer.positions);
                for (int r = 0; r < folds.length; r++) {
                    if (group.results().get(r).reduce() != null) {
                        fold(r);
                    } else {
                        store(r, odometer.positions[step.inputs().size() + r], values[group.results().get(r).value()]);
                    }
                }
                odometer.advance();
            }
            for (int r = 0; r < folds.length; r++) {
                if (group.results().get(r).reduce() != null) {
                    store(r, folded.positions[r], folds[r]);
                }
            }
            folded.advance();
        }
    }

    private void evaluate(long[] positions) {
        List<Instruction> body = group.body();
        for (int line = 0; line < values.length; line++) {
            values[line] = switch (body.get(line)) {
                case Instruction.Load load -> Cells.load(slots[step.inputs().get(load.input()).slot()],
                    group.inputs().get(load.input()), positions[load.input()]);
                case Instruction.Scalar scalar -> scalars[scalar.index()];
                case Instruction.Unary unary -> Scalars.unary(unary.op(), type(unary.a()), values[unary.a()]);
                case Instruction.Binary binary ->
                    Scalars.binary(binary.op(), type(binary.a()), values[binary.a()], values[binary.b()]);
                case Instruction.Where where -> values[values[where.condition()] != 0 ? where.a() : where.b()];
                case Instruction.Cast cast -> Cells.cast(type(cast.a()), cast.target(), values[cast.a()]);
            };
        }
    }

    private DType type(int line) {
        return group.body().get(line).dtype();
    }

    private void startFolds() {
        for (int r = 0; r < folds.length; r++) {
            Group.Result result = group.results().get(r);
            if (result.reduce() != null) {
                folds[r] = neutral(result.reduce(), type(result.value()));
            }
        }
    }

    /** What changes nothing that it is folded with. */
    private static long neutral(ReduceOp reduce, DType dtype) {
        if (!reduce.isChoice()) {
            long number = reduce == ReduceOp.SUM ? 0 : 1;
            return dtype.isFloating() ? cell(number) : number;
        }
        boolean max = reduce == ReduceOp.MAX;
        return switch (dtype) {
            case BOOL, U8 -> max ? 0 : 255;
            case I32 -> max ? Integer.MIN_VALUE : Integer.MAX_VALUE;
            case I64 -> max ? Long.MIN_VALUE : Long.MAX_VALUE;
            case F16, BF16, F32, F64 -> cell(max ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY);
        };
    }

    private void fold(int r) {
        Group.Result result = group.results().get(r);
        BinaryOp with = switch (result.reduce()) {
            case SUM -> BinaryOp.ADD;
            case MAX -> BinaryOp.MAX;
            case MIN -> BinaryOp.MIN;
            case PROD -> BinaryOp.MUL;
        };
        folds[r] = Scalars.binary(with, type(result.value()), folds[r], values[result.value()]);
    }

    private void store(int r, long position, long value) {
        Cells.store(slots[step.outputs().get(r).slot()], group.results().get(r).dtype(), position, value);
    }
}
