package org.adjoint.cpu.group;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.adjoint.graph.DType;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;

/** Runs a group's body line by line over a block of points in scratch rows, each line by a kernel that groups share. */
final class BlockProgram {
    /** Never written. */
    private static final long[] ZEROS = new long[8];

    /**
     * One line.
     *
     * @param row scratch row of its value
     * @param operands lines it reads
     * @param kernel what computes it; null for loads and scalars
     */
    private record Line(Instruction instruction, Kind kind, int row, int[] operands, TieredKernel kernel) { }

    private final Line[] lines;

    /** @param kernels gives the kernel, from rows to rows, of a group of one op */
    BlockProgram(Group group, Function<Group, TieredKernel> kernels) {
        List<Instruction> body = group.body();
        int[] lastUse = IntStream.range(0, body.size()).toArray();
        for (int i = 0; i < body.size(); i++) {
            for (int operand : operands(body.get(i))) {
                lastUse[operand] = i;
            }
        }
        group.results().forEach(result -> lastUse[result.value()] = Integer.MAX_VALUE);
        lines = new Line[body.size()];
        Map<Kind, Deque<Integer>> free = new EnumMap<>(Kind.class);
        int[] rows = new int[Kind.values().length];
        for (int i = 0; i < lines.length; i++) {
            Instruction instruction = body.get(i);
            int[] operands = operands(instruction);
            for (int k = 0; k < operands.length; k++) {
                int operand = operands[k];
                boolean seen = IntStream.of(operands).limit(k).anyMatch(earlier -> earlier == operand);
                if (lastUse[operand] == i && !seen) {
                    free.computeIfAbsent(lines[operand].kind.stored(), kind -> new ArrayDeque<>())
                        .push(lines[operand].row);
                }
            }
            Kind kind = Kind.of(instruction.dtype());
            Deque<Integer> available = free.computeIfAbsent(kind.stored(), key -> new ArrayDeque<>());
            int row = available.isEmpty() ? rows[kind.stored().ordinal()]++ : available.pop();
            TieredKernel kernel = operands.length == 0 ? null : kernels.apply(alone(group, instruction, operands));
            lines[i] = new Line(instruction, kind, row, operands, kernel);
            if (lastUse[i] == i) {
                available.push(row);
            }
        }
    }

    private static int[] operands(Instruction instruction) {
        return switch (instruction) {
            case Instruction.Load load -> new int[0];
            case Instruction.Scalar scalar -> new int[0];
            case Instruction.Unary unary -> new int[] {unary.a()};
            case Instruction.Binary binary -> new int[] {binary.a(), binary.b()};
            case Instruction.Where where -> new int[] {where.condition(), where.a(), where.b()};
            case Instruction.Cast cast -> new int[] {cast.a()};
        };
    }

    /** The group of one op that computes {@code instruction} from its operands. */
    private static Group alone(Group group, Instruction instruction, int[] operands) {
        List<DType> types = IntStream.of(operands).mapToObj(operand -> group.body().get(operand).dtype()).toList();
        Instruction op = switch (instruction) {
            case Instruction.Load load -> throw new IllegalArgumentException("a load is no op");
            case Instruction.Scalar scalar -> throw new IllegalArgumentException("a scalar is no op");
            case Instruction.Unary unary -> new Instruction.Unary(unary.op(), 0, unary.dtype());
            case Instruction.Binary binary -> new Instruction.Binary(binary.op(), 0, 1, binary.dtype());
            case Instruction.Where where -> new Instruction.Where(0, 1, 2, where.dtype());
            case Instruction.Cast cast -> new Instruction.Cast(0, cast.target(), cast.dtype());
        };
        return ofOne(op, types);
    }

    /** A group that loads operands and applies {@code op} to them. */
    static Group ofOne(Instruction op, List<DType> types) {
        List<Instruction> body = new ArrayList<>();
        for (int i = 0; i < types.size(); i++) {
            body.add(new Instruction.Load(i, types.get(i)));
        }
        body.add(op);
        return new Group(types, List.of(), body, List.of(new Group.Result(types.size(), op.dtype(), null)));
    }

    /** Where the block's elements of inputs come from. */
    @FunctionalInterface
    interface Source {
        void load(int input, Object row);
    }

    void run(Scratch scratch, long[] scalars, int n, Source source) {
        for (Line line : lines) {
            Object row = scratch.row(line.kind, line.row);
            switch (line.instruction) {
                case Instruction.Load load -> source.load(load.input(), row);
                case Instruction.Scalar scalar -> Elements.fill(line.kind, scalars[scalar.index()], row, n);
                case Instruction.Unary unary -> apply(scratch, line, row, n);
                case Instruction.Binary binary -> apply(scratch, line, row, n);
                case Instruction.Where where -> apply(scratch, line, row, n);
                case Instruction.Cast cast -> apply(scratch, line, row, n);
            }
        }
    }

    /** Rows have room for whole vectors past the block. */
    private void apply(Scratch scratch, Line line, Object row, int n) {
        int operands = line.operands.length;
        Object[] bases = scratch.bases(operands + 1);
        for (int i = 0; i < operands; i++) {
            Line operand = lines[line.operands[i]];
            bases[i] = scratch.row(operand.kind, operand.row);
        }
        bases[operands] = row;
        line.kernel.get().run(bases, ZEROS, ZEROS, n + 15 & -16);
    }

    /** The row that holds the value of a line when the body has run. */
    Object row(Scratch scratch, int line) {
        return scratch.row(lines[line].kind, lines[line].row);
    }
}
