package org.adjoint.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.adjoint.backend.Buffer;
import org.adjoint.backend.Executable;
import org.adjoint.cuda.driver.Gpu;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Work;
import org.adjoint.plan.Plan;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.Slot;

/**
 * A plan's steps as commands for the stream. {@link #run} returns when all is enqueued; where steps check indices, it
 * waits for the last of these before it enqueues what changes variables.
 */
final class CudaExecutable implements Executable {
    private static final System.Logger LOG = System.getLogger(CudaExecutable.class.getName());
    private static final long WORKSPACE_ALIGNMENT = 256;

    /** A command and the step it belongs to. */
    private record Entry(int step, Command command) { }

    private final Plan plan;
    private final Gpu gpu;
    private final StatusWord status;
    private final boolean separateIntermediates;
    private final Replay replay;
    private Landing landing;
    private final Arena arena = Arena.ofShared();
    private final List<Entry> entries = new ArrayList<>();
    /** The plan's steps, then those of loops' bodies: kernels report a step by its place here. */
    private final List<PlanStep> numbered;
    private final long workspaceBytes;
    /** Entries up to here are over before the rest is enqueued; 0 where nothing is checked. */
    private final int checked;
    private final boolean storesIntoLeaves;
    private boolean closed;
    /** Whether results go through memory of the lease, see {@link Landing}. */
    private boolean lands;
    /** What the last run bound, but for its results, and how many runs bound nothing else anew and had no graph. */
    private long[] lastBound;
    private int strangers;

    /** @param prepared one for each step */
    CudaExecutable(Plan plan, List<Prepared> prepared, Gpu gpu, StatusWord status, CudaOptions options) {
        this.plan = plan;
        this.gpu = gpu;
        this.status = status;
        this.separateIntermediates = options.separateIntermediates();
        this.replay = options.replays() ? new Replay(gpu) : null;
        this.numbered = new ArrayList<>(plan.steps());
        long workspace = 0;
        int lastCheck = 0;
        try {
            for (int step = 0; step < prepared.size(); step++) {
                for (Work work : prepared.get(step).work()) {
                    entries.add(new Entry(step, Command.of(work, step, numbered, gpu, arena)));
                }
                workspace = Math.max(workspace, prepared.get(step).workspaceBytes());
                if (prepared.get(step).checksIndices()) {
                    lastCheck = entries.size();
                }
            }
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
        this.workspaceBytes = workspace;
        this.landing = replay == null ? null : Landing.of(plan, align(workspace));
        this.checked = lastCheck;
        this.storesIntoLeaves = plan.storesIntoLeaves();
    }

    @Override
    public void run(Buffer[] externals, long[] scalars) {
        execute(externals, scalars, false);
    }

    @Override
    public void dryRun(Buffer[] externals, long[] scalars) {
        execute(externals, scalars, true);
    }

    private static long align(long bytes) {
        return bytes + (-bytes & WORKSPACE_ALIGNMENT - 1);
    }

    private synchronized void execute(Buffer[] externals, long[] scalars, boolean dry) {
        if (closed) {
            throw new IllegalStateException("this executable is closed");
        }
        if (externals.length != plan.externals()) {
            throw new IllegalArgumentException(
                "the plan binds " + plan.externals() + " buffers, not " + externals.length);
        }
        if (!lands && strangers > Replay.KEPT) {
            letResultsLand();
        }
        long[] slots = new long[plan.slots().size()];
        for (int i = 0; i < slots.length; i++) {
            Slot slot = plan.slots().get(i);
            if (slot.kind() == Slot.Kind.EXTERNAL) {
                slots[i] = external(slot, externals[(int) slot.position()]);
            }
        }
        try (Lease lease = new Lease(slots)) {
            Binding binding = new Binding(slots, lease.workspace, status.address(), plan.withExtra(scalars));
            if (dry) {
                enqueueEmpty(binding);
                return;
            }
            if (lands) {
                landing.bind(binding, gpu);
            }
            boolean replayed = true;
            if (checked > 0) {
                synchronized (status) {
                    status.begin();
                    replayed = enqueue(binding, 0, checked);
                    check(binding);
                }
            }
            replayed &= enqueue(binding, checked, entries.size());
            if (landing != null && !lands) {
                watch(binding, replayed);
            }
        }
    }

    private void letResultsLand() {
        try {
            landing.load(gpu, arena);
            replay.forget();
            lands = true;
        } catch (RuntimeException e) {
            // It works without, only slower.
            LOG.log(System.Logger.Level.WARNING, "steps whose results are kept are not replayed: " + e.getMessage());
            landing = null;
            strangers = 0;
        }
    }

    /** Counts the runs that there was no graph for, for nothing but where the caller wants results. */
    private void watch(Binding binding, boolean replayed) {
        long[] bound = landing.boundBesides(binding);
        if (!replayed && Arrays.equals(bound, lastBound)) {
            strangers++;
        }
        lastBound = bound;
    }

    private long external(Slot slot, Buffer buffer) {
        if (!(buffer instanceof CudaBuffer own) || !own.belongsTo(gpu)) {
            throw new IllegalArgumentException("external " + slot.position() + " is not a buffer of this cuda device");
        }
        if (own.bytes() < slot.bytes()) {
            throw new IllegalArgumentException("external " + slot.position() + " needs " + slot.bytes()
                + " bytes but its buffer has " + own.bytes());
        }
        return own.address();
    }

    /** Returns whether it was replayed. */
    private boolean enqueue(Binding binding, int from, int to) {
        boolean delivers = lands && from == checked;
        if (from == to && !delivers) {
            return true;
        }
        Runnable commands = () -> {
            for (int i = from; i < to; i++) {
                entries.get(i).command.enqueue(gpu, binding);
            }
            if (delivers) {
                landing.deliver(gpu, binding);
            }
        };
        if (replay == null) {
            commands.run();
            return false;
        }
        return replay.run(binding, from, from == checked && storesIntoLeaves, commands);
    }

    private void enqueueEmpty(Binding binding) {
        entries.forEach(entry -> entry.command.enqueueEmpty(status, binding));
    }

    private void check(Binding binding) {
        long found = status.read();
        if (found == IndexFailure.NONE) {
            return;
        }
        int failed = IndexFailure.step(found);
        if (failed >= plan.steps().size()) {
            // Later iterations have overwritten what this one read.
            throw IndexFailure.describe(found, (PlanStep.Kernel) numbered.get(failed), null);
        }
        int last = entries.get(checked - 1).step;
        boolean lost = false;
        if (IndexFailure.isOverwritten(plan, failed, last)) {
            // What came before can be computed again, unless it changed what it was computed from.
            lost = plan.storesIntoLeaves(last + 1);
            for (int i = 0; !lost && entries.get(i).step < failed; i++) {
                entries.get(i).command.enqueue(gpu, binding);
            }
        }
        throw IndexFailure.describe(found, (PlanStep.Kernel) plan.steps().get(failed), lost ? null
            : (slot, offset, target) -> gpu.read(binding.slots()[slot] + offset, target));
    }

    /** Memory for the intermediates of one run. Freed when all is enqueued: the stream keeps the order of its users. */
    private final class Lease implements AutoCloseable {
        final long workspace;
        private final List<Long> allocations = new ArrayList<>();

        Lease(long[] slots) {
            try {
                long scratchBytes = lands ? landing.end() : workspaceBytes;
                long arenaBytes = separateIntermediates ? 0 : align(plan.arenaBytes());
                long base = allocate(arenaBytes + (separateIntermediates ? 0 : scratchBytes));
                for (int i = 0; i < slots.length; i++) {
                    Slot slot = plan.slots().get(i);
                    if (slot.kind() == Slot.Kind.ARENA) {
                        slots[i] = separateIntermediates ? allocate(slot.bytes()) : base + slot.position();
                    }
                }
                workspace = separateIntermediates ? allocate(scratchBytes) : base + arenaBytes;
            } catch (RuntimeException | Error e) {
                close();
                throw e;
            }
        }

        private long allocate(long bytes) {
            if (bytes == 0) {
                return 0;
            }
            long address = gpu.lease(bytes);
            allocations.add(address);
            return address;
        }

        @Override
        public void close() {
            allocations.forEach(gpu::free);
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            if (replay != null) {
                replay.close();
            }
            arena.close();
        }
    }
}
