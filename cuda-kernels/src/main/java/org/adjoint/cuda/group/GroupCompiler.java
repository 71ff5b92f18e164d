package org.adjoint.cuda.group;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.adjoint.cuda.group.Form.Skeleton;
import org.adjoint.cuda.group.GroupSource.Program;
import org.adjoint.cuda.kernel.RandomBitsKernel;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Copy;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Work;
import org.adjoint.graph.DType;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/**
 * Makes kernels of elementwise groups. Texts are shared by groups that are equal and lie in memory in the same way;
 * extents, strides, offsets and scalars are arguments. Rows are folded in pieces whose size depends on the step's
 * extents alone, so that results have the same bits on any card.
 */
public final class GroupCompiler {
    private static final int LARGEST_CACHE = 4096;
    /** Rows up to this many points are folded by a warp, 8 of them in a block. */
    private static final long WARP_ROW = 1024;
    private static final int WARPS = 8;
    /** Blocks that fill any card. */
    private static final long MANY_BLOCKS = 1024;
    private static final long LEAST_PIECE = 8192;
    private static final int COLUMNS = 32;
    /** Most threads of a block that share a column. */
    private static final int COLUMN_DEPTH = 8;
    /** As many as a large card holds at once, five or six a multiprocessor, so that all end together. */
    private static final long COLUMN_BLOCKS = 768;
    private static final long LEAST_STRIPE = 32;

    private record Key(Group group, Form form) { }

    private final Map<Key, Program> programs = new LinkedHashMap<>(64, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Program> eldest) {
            return size() > LARGEST_CACHE;
        }
    };

    /** What the step puts on the stream. */
    public Prepared prepare(PlanStep.Elementwise step) {
        Loops loops = Loops.of(step);
        if (loops.keptPoints() == 0) {
            return Prepared.NOTHING;
        }
        if (isMove(step.group())) {
            return copy(step.inputs().getFirst(), step.outputs().getFirst());
        }
        if (!step.group().reduces()) {
            return points(step, loops);
        }
        return isColumnwise(step, loops) ? columns(step, loops) : rows(step, loops);
    }

    /** Whether all that the group does is to move elements. */
    static boolean isMove(Group group) {
        return group.body().size() == 1 && group.body().getFirst() instanceof Instruction.Load
            && group.results().size() == 1 && group.inputs().getFirst() == group.results().getFirst().dtype()
            && !group.reduces();
    }

    /**
     * Copies elements between views of one shape and dtype that overlap nowhere; NaNs keep their bits.
     *
     * @throws IllegalArgumentException if shapes or dtypes differ
     */
    public Prepared copy(View source, View target) {
        if (target.shape().elements() == 0) {
            return Prepared.NOTHING;
        }
        Transposition copy = Transposition.of(source, target);
        if (copy.isOneRange()) {
            return Prepared.of(new Copy(Argument.of(copy.source()), Argument.of(copy.target()),
                copy.source().shape().elements() * copy.source().dtype().bytes()));
        }
        if (copy.isTiled()) {
            return Prepared.of(copy.launch());
        }
        DType dtype = source.dtype();
        Group group = new Group(List.of(dtype), List.of(), List.of(new Instruction.Load(0, dtype.computeType())),
            List.of(new Group.Result(0, dtype, null)));
        PlanStep.Elementwise step = new PlanStep.Elementwise(group, copy.source().shape().toArray(), 0,
            List.of(copy.source()), List.of(copy.target()), new int[0]);
        return points(step, Loops.of(step));
    }

    private Program program(Group group, Form form) {
        synchronized (programs) {
            return programs.computeIfAbsent(new Key(group, form), key -> GroupSource.of(group, form));
        }
    }

    private Prepared points(PlanStep.Elementwise step, Loops loops) {
        Tiles tiles = Tiles.of(step.group(), loops);
        if (tiles != null) {
            return Prepared.of(tiles.launch(operands(step, null)));
        }
        return points(step, loops, Form.of(step.group(), loops, Skeleton.POINTS, false), operands(step, null));
    }

    /** @param arguments what the kernel's parameters begin with */
    private Prepared points(PlanStep.Elementwise step, Loops loops, Form form, List<Argument> arguments) {
        Program program = program(step.group(), form);
        arguments.add(new Argument.Int64s(loops.keptDomain()));
        arguments.add(Argument.of(loops.keptPoints()));
        long blocks = Math.ceilDiv(loops.keptPoints(), (long) GroupSource.THREADS * form.width());
        return Prepared.of(new Launch(program.source(), program.kernel(), blocks, 1, 1, GroupSource.THREADS, 1, 0,
            arguments));
    }

    /** What the step puts on the stream if it makes its random bits itself; empty if it has to read them. */
    public Optional<Prepared> prepare(PlanStep.Elementwise step, RandomInput random) {
        Loops loops = Loops.of(step);
        if (loops.keptPoints() == 0 || isMove(step.group()) || step.group().reduces()
            || Tiles.of(step.group(), loops) != null) {
            return Optional.empty();
        }
        Form form = Form.of(step.group(), loops, Skeleton.POINTS, false);
        boolean blocks = form.width() % RandomBitsKernel.BLOCK == 0 && random.inputs().stream().allMatch(i ->
            form.packed().get(i) && random.start(step.inputs().get(i)) % RandomBitsKernel.BLOCK == 0);
        if (!blocks) {
            return Optional.empty();
        }
        List<Argument> arguments = operands(step, null);
        for (int i : random.inputs().reversed()) {
            arguments.set(i, Argument.of(random.bits()));
            arguments.add(i + 1, Argument.of(random.start(step.inputs().get(i))));
        }
        return Optional.of(points(step, loops, form.withRandom(random.inputs()), arguments));
    }

    /** What the steps of a {@link Batch} put on the stream, in the place of the first. */
    public Prepared prepare(List<PlanStep.Elementwise> batch) {
        if (batch.size() == 1) {
            return prepare(batch.getFirst());
        }
        Group group = batch.getFirst().group();
        Form form = Form.ofTensors(group, Batch.dense(batch));
        Program program = program(group, form);
        return Prepared.of(Batch.launches(batch).map(steps -> tensors(steps, form, program)).toArray(Work[]::new));
    }

    private static Launch tensors(List<PlanStep.Elementwise> steps, Form form, Program program) {
        List<List<Argument>> columns = new ArrayList<>();
        List<Argument> counts = new ArrayList<>();
        List<Argument> firstBlocks = new ArrayList<>();
        long blocks = 0;
        for (PlanStep.Elementwise step : steps) {
            columns.add(operands(step, null));
            long points = Loops.of(step).keptPoints();
            counts.add(Argument.of(points));
            firstBlocks.add(Argument.of(Math.toIntExact(blocks)));
            blocks += Math.ceilDiv(points, (long) GroupSource.THREADS * form.width());
        }
        int most = Batch.mostTensors(steps.getFirst().group());
        List<Argument> table = new ArrayList<>();
        for (int i = 0; i < columns.getFirst().size(); i++) {
            int operand = i;
            addColumn(table, columns.stream().map(column -> column.get(operand)).toList(), most);
        }
        addColumn(table, counts, most);
        addColumn(table, firstBlocks, most);
        return Launch.of(program.source(), program.kernel(), blocks, GroupSource.THREADS, new Argument.Struct(table),
            Argument.of(steps.size()));
    }

    /** Places that no tensor takes are never read: they hold what keeps the others where they are. */
    private static void addColumn(List<Argument> table, List<Argument> values, int length) {
        table.addAll(values);
        Argument rest = values.getFirst() instanceof Argument.Address ? Argument.of(0L) : values.getFirst();
        table.addAll(Collections.nCopies(length - values.size(), rest));
    }

    /** Whether neighbors in memory are mostly neighbors among the results, not among what is folded into one. */
    private static boolean isColumnwise(PlanStep.Elementwise step, Loops loops) {
        if (loops.length() < COLUMN_DEPTH) {
            return loops.keptPoints() >= COLUMNS;
        }
        int lastKept = loops.kept().length - 1;
        int lastReduced = loops.kept().length + loops.reduced().length - 1;
        int columns = 0;
        for (int i = 0; i < step.inputs().size() + step.outputs().size(); i++) {
            // What is the same for all that is folded, or for all results, is little and remains in a cache.
            if (moves(loops, i, 0, lastKept) && moves(loops, i, lastKept + 1, lastReduced)) {
                columns += loops.stride(i, lastKept) == 1 ? 1 : 0;
                columns -= loops.stride(i, lastReduced) == 1 ? 1 : 0;
            }
        }
        return columns > 0 && loops.kept()[lastKept] >= COLUMNS / 2;
    }

    private static boolean moves(Loops loops, int operand, int firstAxis, int lastAxis) {
        return IntStream.rangeClosed(firstAxis, lastAxis).anyMatch(axis -> loops.stride(operand, axis) != 0);
    }

    private Prepared rows(PlanStep.Elementwise step, Loops loops) {
        long rows = loops.keptPoints();
        long length = loops.length();
        long piece = Math.max(1, length);
        if (rows < MANY_BLOCKS / 2 && length > 2 * LEAST_PIECE) {
            piece = Math.ceilDiv(Math.ceilDiv(length * rows, MANY_BLOCKS), LEAST_PIECE) * LEAST_PIECE;
        }
        long pieces = Math.max(1, Math.ceilDiv(length, piece));
        Form form = Form.of(step.group(), loops, Skeleton.ROWS, pieces > 1);
        Program program = program(step.group(), form);
        Workspace workspace = new Workspace(step.group(), rows * pieces);
        List<Argument> arguments = operands(step, pieces > 1 ? workspace : null);
        arguments.add(new Argument.Int64s(loops.keptDomain()));
        arguments.add(new Argument.Int64s(loops.reducedDomain()));
        arguments.addAll(List.of(Argument.of(rows), Argument.of(length), Argument.of(piece), Argument.of(pieces)));
        boolean warp = piece <= WARP_ROW;
        Work fold = new Launch(program.source(), program.kernel(), Math.ceilDiv(rows * pieces, warp ? WARPS : 1), 1, 1,
            warp ? 32 : GroupSource.THREADS, warp ? WARPS : 1, 0, arguments);
        if (pieces == 1) {
            return Prepared.of(fold);
        }
        List<Argument> finishing = results(step, workspace);
        finishing.add(new Argument.Int64s(loops.keptDomain()));
        finishing.add(Argument.of(pieces));
        Work finish = new Launch(program.source(), program.kernel() + "_finish", rows, 1, 1, GroupSource.THREADS, 1, 0,
            finishing);
        return new Prepared(List.of(fold, finish), workspace.bytes(), false);
    }

    private Prepared columns(PlanStep.Elementwise step, Loops loops) {
        long columns = loops.keptPoints();
        long length = loops.length();
        int width = Form.of(step.group(), loops, Skeleton.COLUMNS, false).width();
        long blocks = Math.ceilDiv(columns, COLUMNS * width);
        long piece = Math.max(1, length);
        if (blocks < COLUMN_BLOCKS / 2) {
            piece = Math.ceilDiv(Math.ceilDiv(length * blocks, COLUMN_BLOCKS), LEAST_STRIPE) * LEAST_STRIPE;
        }
        int pieces = Math.toIntExact(Math.max(1, Math.ceilDiv(length, Math.max(1, piece))));
        Form form = Form.of(step.group(), loops, Skeleton.COLUMNS, pieces > 1);
        Program program = program(step.group(), form);
        Workspace workspace = new Workspace(step.group(), columns * pieces);
        List<Argument> arguments = operands(step, pieces > 1 ? workspace : null);
        arguments.add(new Argument.Int64s(loops.keptDomain()));
        arguments.add(new Argument.Int64s(loops.reducedDomain()));
        arguments.addAll(List.of(Argument.of(columns), Argument.of(length), Argument.of(piece)));
        Work fold = new Launch(program.source(), program.kernel(), blocks, pieces, 1, COLUMNS, depth(piece), 0,
            arguments);
        if (pieces == 1) {
            return Prepared.of(fold);
        }
        List<Argument> finishing = results(step, workspace);
        finishing.add(new Argument.Int64s(loops.keptDomain()));
        finishing.addAll(List.of(Argument.of(columns), Argument.of((long) pieces)));
        Work finish = new Launch(program.source(), program.kernel() + "_finish", Math.ceilDiv(columns, COLUMNS), 1, 1,
            COLUMNS, depth(pieces), 0, finishing);
        return new Prepared(List.of(fold, finish), workspace.bytes(), false);
    }

    /** So many threads share a column of {@code length} points that each has a few. */
    private static int depth(long length) {
        return Math.clamp(Long.highestOneBit(length / 4), 1, COLUMN_DEPTH);
    }

    /** Where the folds of pieces lie: for each reduced result, one value per task. */
    private record Workspace(long[] offsets, long bytes) {
        Workspace(Group group, long tasks) {
            long[] offsets = new long[group.results().size()];
            long end = 0;
            for (int i = 0; i < offsets.length; i++) {
                Group.Result result = group.results().get(i);
                if (result.reduce() != null) {
                    offsets[i] = end;
                    int bytes = result.dtype() == DType.F64 || result.dtype() == DType.I64 ? 8 : 4;
                    end += Math.ceilDiv(tasks * bytes, 256) * 256;
                }
            }
            this(offsets, end);
        }
    }

    /** Inputs, results and scalars. */
    private static List<Argument> operands(PlanStep.Elementwise step, Workspace workspace) {
        List<Argument> arguments = new ArrayList<>();
        step.inputs().forEach(view -> arguments.add(Argument.of(view)));
        for (int i = 0; i < step.outputs().size(); i++) {
            boolean partial = workspace != null && step.group().results().get(i).reduce() != null;
            arguments.add(partial ? new Argument.Workspace(workspace.offsets()[i])
                : Argument.of(step.outputs().get(i)));
        }
        for (int i = 0; i < step.scalars().length; i++) {
            arguments.add(new Argument.Scalar(step.scalars()[i], step.group().scalars().get(i)));
        }
        return arguments;
    }

    /** Each reduced result: its parts, and where it goes. */
    private static List<Argument> results(PlanStep.Elementwise step, Workspace workspace) {
        List<Argument> arguments = new ArrayList<>();
        for (int i = 0; i < step.outputs().size(); i++) {
            if (step.group().results().get(i).reduce() != null) {
                arguments.add(new Argument.Workspace(workspace.offsets()[i]));
                arguments.add(Argument.of(step.outputs().get(i)));
            }
        }
        return arguments;
    }
}
