package org.adjoint.cpu.group;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.group.GroupLoop.Mode;
import org.adjoint.cpu.group.GroupLoop.Sink;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.ReduceOp;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/**
 * Makes kernels of elementwise groups. Code is shared by groups that are equal and lie in memory in the same way;
 * extents, offsets and scalars are not part of it. Results have the same bits for any vector width and any number of
 * workers.
 */
public final class GroupCompiler implements AutoCloseable {
    private static final int LARGEST_CACHE = 4096;
    /** Operations of a loop that folds into lanes, all its copies together. */
    private static final int MOST_OPERATIONS_WITH_LANES = 128;

    private final int widthBits;
    private final Tier tier;
    private final Warmer warmer = new Warmer();
    private final Map<Object, Object> cache = new LinkedHashMap<>(64, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Object, Object> eldest) {
            return size() > LARGEST_CACHE;
        }
    };

    private record CodeKey(Group group, List<Mode> modes, List<Sink> sinks) { }

    private record RowKey(Group group) { }

    private record FoldKey(ReduceOp op, Kind kind) { }

    /** @param widthBits width of vectors: 128, 256, 512, or 0 for scalar code */
    public GroupCompiler(int widthBits) {
        this(widthBits, Tier.ADAPTIVE);
    }

    GroupCompiler(int widthBits, Tier tier) {
        if (widthBits != 0 && widthBits != 128 && widthBits != 256 && widthBits != 512) {
            throw new IllegalArgumentException("vectors of " + widthBits + " bits: only 128, 256, 512, or 0 for none");
        }
        this.widthBits = widthBits;
        this.tier = tier;
    }

    /** The kernel of a step. */
    public CpuKernel prepare(PlanStep.Elementwise step) {
        List<Strided> operands = new ArrayList<>();
        for (View view : step.inputs()) {
            operands.add(new Strided(view.slot(), view.dtype(), view.strides(), view.offset()));
        }
        for (View view : step.outputs()) {
            operands.add(new Strided(view.slot(), view.dtype(), view.strides(), view.offset()));
        }
        int rank = step.extents().length;
        int kept = rank - step.reducedAxes();
        Axes keptAxes = Axes.of(step.extents(), operands, 0, kept);
        Axes reducedAxes = Axes.of(step.extents(), operands, kept, rank);
        if (Geometry.points(keptAxes.extents) == 0) {
            return (slots, scalars, parallel) -> { };
        }
        Group group = step.group();
        if (!group.reduces()) {
            return elementwise(step, operands);
        }
        if (isColumnwise(step, keptAxes, reducedAxes)) {
            return columns(step, keptAxes, reducedAxes);
        }
        return rows(step, keptAxes, reducedAxes);
    }

    /** A part of a domain's axes, merged, and the operands over it. */
    private record Axes(long[] extents, List<Strided> operands) {
        static Axes of(long[] extents, List<Strided> operands, int from, int to) {
            List<long[]> strides = operands.stream()
                .map(operand -> Arrays.copyOfRange(operand.strides(), from, to)).toList();
            Geometry.Domain domain = Geometry.merge(Arrays.copyOfRange(extents, from, to), strides);
            List<Strided> merged = IntStream.range(0, operands.size()).mapToObj(i -> new Strided(operands.get(i).slot(),
                operands.get(i).dtype(), domain.strides().get(i), operands.get(i).offset())).toList();
            return new Axes(domain.extents(), merged);
        }

        /** These axes, then others. */
        Axes and(Axes inner) {
            List<Strided> joined = IntStream.range(0, operands.size()).mapToObj(i -> new Strided(operands.get(i).slot(),
                operands.get(i).dtype(), concatenate(operands.get(i).strides(), inner.operands.get(i).strides()),
                operands.get(i).offset())).toList();
            return new Axes(concatenate(extents, inner.extents), joined);
        }

        private static long[] concatenate(long[] a, long[] b) {
            long[] both = Arrays.copyOf(a, a.length + b.length);
            System.arraycopy(b, 0, both, a.length, b.length);
            return both;
        }
    }

    private CpuKernel elementwise(PlanStep.Elementwise step, List<Strided> operands) {
        Axes axes = Axes.of(step.extents(), operands, 0, step.extents().length);
        long rowLength = Geometry.rowLength(axes.extents, axes.operands);
        GroupRun run = run(step.group(), axes, rowLength > 0, Sink.DIRECT);
        return new ElementwiseKernel(run, step.scalars(), rowLength);
    }

    private static boolean isColumnwise(PlanStep.Elementwise step, Axes kept, Axes reduced) {
        if (kept.extents.length == 0 || kept.extents[kept.extents.length - 1] < Geometry.LONG_ROW / 2
            || reduced.extents.length == 0) {
            return false;
        }
        int columns = 0;
        for (int i = 0; i < step.inputs().size(); i++) {
            columns += kept.operands.get(i).innerStride() == 1 ? 1 : 0;
            columns -= reduced.operands.get(i).innerStride() == 1 ? 1 : 0;
        }
        return columns > 0;
    }

    private CpuKernel rows(PlanStep.Elementwise step, Axes kept, Axes reduced) {
        Axes all = kept.and(reduced);
        long length = Geometry.points(reduced.extents);
        // Blocks are parts of one row of the reduced axes, or several whole ones.
        boolean confined = reduced.extents.length == 1 && length >= Geometry.LONG_ROW
            && Geometry.rowLength(all.extents, all.operands) > 0;
        boolean together = !confined && length < RowReduction.ALONE;
        GroupRun run = run(step.group(), all, confined, together ? Sink.SCRATCH : Sink.LANES);
        return new RowReduction(run, step.scalars(), Geometry.points(kept.extents), length, together,
            folds(step.group()), targets(step, kept), kept.extents);
    }

    private CpuKernel columns(PlanStep.Elementwise step, Axes kept, Axes reduced) {
        long rowLength = Geometry.rowLength(kept.extents, kept.operands);
        GroupRun run = run(step.group(), kept, rowLength > 0, Sink.ACCUMULATE);
        return new ColumnReduction(run, step.scalars(), rowLength, reduced.extents, reduced.operands,
            folds(step.group()), targets(step, kept));
    }

    /** Where reduced results go, over the kept axes; null for others. */
    private static Strided[] targets(PlanStep.Elementwise step, Axes kept) {
        Strided[] targets = new Strided[step.outputs().size()];
        for (int i = 0; i < targets.length; i++) {
            if (step.group().results().get(i).reduce() != null) {
                targets[i] = kept.operands.get(step.inputs().size() + i);
            }
        }
        return targets;
    }

    private List<Fold> folds(Group group) {
        List<Fold> folds = new ArrayList<>();
        for (Group.Result result : group.results()) {
            if (result.reduce() == null) {
                folds.add(null);
                continue;
            }
            Kind kind = kind(group, result);
            folds.add(new Fold(result.reduce(), kind, foldKernel(result.reduce(), kind)));
        }
        return folds;
    }

    private TieredKernel foldKernel(ReduceOp op, Kind kind) {
        return cached(new FoldKey(op, kind), () -> TieredKernel.ofRows(Fold.program(op, kind), widthBits,
            tier == Tier.ADAPTIVE ? warmer : null));
    }

    private static Kind kind(Group group, Group.Result result) {
        return Kind.of(group.body().get(result.value()).dtype()).stored();
    }

    /** @param reduced what becomes of reduced results */
    private GroupRun run(Group group, Axes axes, boolean confined, Sink reduced) {
        int lanes = lanes(group);
        Strided[] inputs = axes.operands.subList(0, group.inputs().size()).toArray(Strided[]::new);
        Strided[] outputs = axes.operands.subList(inputs.length, axes.operands.size()).toArray(Strided[]::new);
        List<Mode> modes = Stream.of(inputs).map(input -> mode(input, axes.extents, confined, lanes)).toList();
        List<Sink> sinks = new ArrayList<>();
        for (int i = 0; i < outputs.length; i++) {
            if (group.results().get(i).reduce() != null) {
                sinks.add(reduced);
                outputs[i] = null;
            } else {
                sinks.add(mode(outputs[i], axes.extents, confined, lanes) == Mode.DIRECT ? Sink.DIRECT : Sink.SCRATCH);
            }
        }
        if (isLongWithLanes(GroupLoop.of(group, modes, sinks))) {
            sinks.replaceAll(sink -> sink == Sink.LANES ? Sink.SCRATCH : sink);
        }
        return new GroupRun(code(group, modes, List.copyOf(sinks)), axes.extents, inputs, outputs);
    }

    /**
     * Whether a loop is better off with its values in rows that are folded by a loop of their own: every group of
     * lanes repeats its operations.
     */
    private boolean isLongWithLanes(LoopProgram program) {
        int lanes = widthBits == 0 ? 1 : KernelGenerator.lanes(program, widthBits);
        int repeated = program.folds().stream().mapToInt(fold -> fold.chains(lanes)).max().orElse(0);
        return widthBits > 0 && repeated * KernelGenerator.operations(program) > MOST_OPERATIONS_WITH_LANES;
    }

    private Mode mode(Strided operand, long[] extents, boolean confined, int lanes) {
        if (confined ? operand.innerStride() == 0 : operand.isUniform() && extents.length > 0) {
            return Mode.UNIFORM;
        }
        // No vector is narrower than 64 bits.
        boolean loadable = widthBits > 0 && operand.dtype().bytes() * lanes >= 8;
        boolean follows = confined ? operand.innerStride() == 1 : operand.isDense(extents);
        return loadable && follows ? Mode.DIRECT : Mode.SCRATCH;
    }

    private int lanes(Group group) {
        if (widthBits == 0) {
            return 1;
        }
        LoopProgram program = GroupLoop.of(group, group.inputs().stream().map(input -> Mode.SCRATCH).toList(),
            group.results().stream().map(result -> Sink.SCRATCH).toList());
        return KernelGenerator.lanes(program, widthBits);
    }

    private GroupCode code(Group group, List<Mode> modes, List<Sink> sinks) {
        return cached(new CodeKey(group, modes, sinks), () -> {
            BlockProgram blocks = cached(group, () -> new BlockProgram(group, this::rowKernel));
            List<TieredKernel> folds = new ArrayList<>();
            for (int i = 0; i < sinks.size(); i++) {
                Group.Result result = group.results().get(i);
                folds.add(switch (sinks.get(i)) {
                    case DIRECT, SCRATCH -> null;
                    case ACCUMULATE -> rowKernel(accumulation(result.reduce(), kind(group, result)));
                    case LANES -> foldKernel(result.reduce(), kind(group, result));
                });
            }
            return new GroupCode(group, modes, sinks, blocks, folds, widthBits, tier, warmer);
        });
    }

    private static Group accumulation(ReduceOp op, Kind kind) {
        DType dtype = switch (kind) {
            case F32 -> DType.F32;
            case F64 -> DType.F64;
            case I32, MASK -> DType.I32;
            case I64 -> DType.I64;
        };
        Instruction fold = new Instruction.Binary(switch (op) {
            case SUM -> BinaryOp.ADD;
            case MAX -> BinaryOp.MAX;
            case MIN -> BinaryOp.MIN;
            case PROD -> BinaryOp.MUL;
        }, 0, 1, dtype);
        return BlockProgram.ofOne(fold, List.of(dtype, dtype));
    }

    private TieredKernel rowKernel(Group group) {
        List<Mode> modes = group.inputs().stream().map(input -> Mode.SCRATCH).toList();
        return cached(new RowKey(group), () -> TieredKernel.ofRows(
            GroupLoop.of(group, modes, List.of(Sink.SCRATCH)), widthBits, tier == Tier.ADAPTIVE ? warmer : null));
    }

    @SuppressWarnings("unchecked")
    private <T> T cached(Object key, Supplier<T> make) {
        synchronized (cache) {
            Object known = cache.get(key);
            if (known == null) {
                known = make.get();
                cache.put(key, known);
            }
            return (T) known;
        }
    }

    @Override
    public void close() {
        warmer.close();
    }
}
