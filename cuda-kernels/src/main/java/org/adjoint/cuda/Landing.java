package org.adjoint.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.adjoint.cuda.driver.Gpu;
import org.adjoint.cuda.driver.Kernel;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Source;
import org.adjoint.plan.Plan;
import org.adjoint.plan.Slot;

/**
 * Where small results land for callers who keep them. Such a caller binds other addresses in every run, and a graph
 * holds addresses: each run would be captured anew. So results are computed into memory of the lease, and the last
 * command of a graph copies them to where a table says that this run wants them; the table is written before the graph
 * is enqueued. It costs a copy of a few bytes and two small commands a run.
 */
final class Landing {
    /** The kernel that copies. */
    static final Source DELIVER = Source.ofFile("deliver.cu", Map.of());
    /** Of all results: what takes about a microsecond to copy. */
    private static final long MOST_BYTES = 1 << 20;
    private static final int MOST_RESULTS = 16;
    private static final int THREADS = 256;
    private static final long CHUNK_BYTES = 16;

    /** @param offset behind the start of the workspace */
    private record Result(int slot, long bytes, long offset) { }

    private record Delivery(ParameterBlock parameters, long blocks) { }

    private final List<Result> results;
    private final long table;
    private final MemorySegment targets;
    private List<Delivery> deliveries = List.of();
    private Kernel kernel;

    private Landing(List<Result> results, long table) {
        this.results = results;
        this.table = table;
        this.targets = Arena.ofAuto().allocate((long) results.size() * Long.BYTES, Long.BYTES);
    }

    /**
     * Null where there is no result, or too much of them.
     *
     * @param start in bytes behind the start of the workspace, aligned as slots are
     */
    static Landing of(Plan plan, long start) {
        List<Result> results = new ArrayList<>();
        long end = start;
        for (int i = 0; i < plan.slots().size(); i++) {
            Slot slot = plan.slots().get(i);
            if (slot.kind() == Slot.Kind.EXTERNAL && slot.position() >= plan.leaves() && slot.bytes() > 0) {
                results.add(new Result(i, slot.bytes(), end));
                end += Math.ceilDiv(slot.bytes(), Plan.ALIGNMENT) * Plan.ALIGNMENT;
            }
        }
        return results.isEmpty() || results.size() > MOST_RESULTS || end - start > MOST_BYTES ? null
            : new Landing(results, end);
    }

    /** How far it reaches behind the start of the workspace. */
    long end() {
        return table + targets.byteSize();
    }

    /** What a run binds but for the addresses of results. */
    long[] boundBesides(Binding binding) {
        long[] bound = binding.all();
        results.forEach(result -> bound[result.slot] = 0);
        return bound;
    }

    /** Loads the kernel, which must not happen within a capture. */
    void load(Gpu gpu, Arena arena) {
        List<Delivery> all = new ArrayList<>();
        for (int i = 0; i < results.size(); i++) {
            Result result = results.get(i);
            all.add(new Delivery(new ParameterBlock(arena, List.of(new Argument.Workspace(result.offset),
                new Argument.Workspace(table + (long) i * Long.BYTES), Argument.of(result.bytes)), 0),
                Math.ceilDiv(result.bytes, THREADS * CHUNK_BYTES)));
        }
        kernel = gpu.kernel(DELIVER, "deliver");
        deliveries = all;
    }

    /** Tells the card where this run wants its results, and lets steps write them here. */
    void bind(Binding binding, Gpu gpu) {
        for (int i = 0; i < results.size(); i++) {
            Result result = results.get(i);
            targets.setAtIndex(ValueLayout.JAVA_LONG, i, binding.slots()[result.slot]);
            binding.slots()[result.slot] = binding.workspace() + result.offset;
        }
        gpu.write(targets, binding.workspace() + table);
    }

    /** Enqueues the copies. */
    void deliver(Gpu gpu, Binding binding) {
        deliveries.forEach(delivery -> gpu.launch(kernel, delivery.blocks, 1, 1, THREADS, 1, 1, 0,
            delivery.parameters.bind(binding)));
    }
}
