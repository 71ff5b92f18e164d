package org.adjoint.reference;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.adjoint.backend.Buffer;
import org.adjoint.backend.DeviceDriver;
import org.adjoint.backend.Executable;
import org.adjoint.graph.Op;
import org.adjoint.graph.TensorType;
import org.adjoint.plan.Plan;
import org.adjoint.plan.Target;
import org.adjoint.plan.View;

/** The reference as a device: runs on the calling thread. */
final class ReferenceDriver implements DeviceDriver {
    /** The plan is the graph as the user wrote it: nothing fused, nothing rewritten. */
    private static final Target TARGET = new Target() {
        @Override
        public boolean supports(Op.Fused op, List<TensorType> inputs) {
            return false;
        }

        @Override
        public boolean accepts(Op op, int index, View view) {
            return true;
        }

        @Override
        public boolean fuses() {
            return false;
        }

        @Override
        public boolean rewrites() {
            return false;
        }
    };

    private final AtomicLong live = new AtomicLong();

    @Override
    public String description() {
        return ReferenceBackend.SUMMARY;
    }

    @Override
    public Target target() {
        return TARGET;
    }

    @Override
    public Buffer allocate(long bytes) {
        return new ReferenceBuffer(bytes, live);
    }

    @Override
    public void write(MemorySegment source, Buffer target, long offset) {
        ((ReferenceBuffer) target).memory().asSlice(offset, source.byteSize()).copyFrom(source);
    }

    @Override
    public void read(Buffer source, MemorySegment target) {
        target.copyFrom(((ReferenceBuffer) source).memory().asSlice(0, target.byteSize()));
    }

    @Override
    public Executable compile(Plan plan) {
        return new ReferenceExecutable(plan);
    }

    @Override
    public long liveBytes() {
        return live.get();
    }

    /** Holds nothing but its buffers, which their owners close. */
    @Override
    public void close() { }
}
