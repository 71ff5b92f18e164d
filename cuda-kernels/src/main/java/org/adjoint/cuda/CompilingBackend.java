package org.adjoint.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.adjoint.backend.Backend;
import org.adjoint.backend.Buffer;
import org.adjoint.backend.DeviceDriver;
import org.adjoint.backend.DeviceReport;
import org.adjoint.backend.Executable;
import org.adjoint.cuda.driver.KernelCompiler;
import org.adjoint.cuda.driver.Libraries;
import org.adjoint.cuda.launch.Card;
import org.adjoint.plan.Plan;
import org.adjoint.plan.Target;

/**
 * A device that compiles and does not compute, on a machine that has NVRTC but no card: what runs on it leaves its
 * kernels in a folder, which a machine with a card takes them from (the property {@code adjoint.cuda.cubins}). Tensors
 * take no memory; what is read are twos as {@code I64}, so that where values decide on a shape there are elements, and
 * next to nothing as floating numbers. Options, both needed: {@code folder}, and {@code architecture}, the card's
 * compute capability times 10. What could not be compiled is thrown again when the device is closed.
 */
public final class CompilingBackend implements Backend {
    /** What a block can have on Hopper; kernels that ask for more than 48 KiB look at it. */
    private static final int SHARED_BYTES = 227 * 1024;

    /** Made by {@link java.util.ServiceLoader}. */
    public CompilingBackend() { }

    @Override
    public String name() {
        return "cuda-compile";
    }

    @Override
    public int priority() {
        return -2;
    }

    /** Nothing: it computes nothing that anybody could choose it for. */
    @Override
    public List<DeviceReport> probe() {
        return List.of();
    }

    @Override
    public DeviceDriver open(int ordinal, Map<String, String> options) {
        if (!options.keySet().equals(Set.of("folder", "architecture"))) {
            throw new IllegalArgumentException("cuda-compile: the options are folder and architecture, not "
                + options.keySet());
        }
        int architecture = architecture(options.get("architecture"));
        KernelCompiler compiler = KernelCompiler.filling(Path.of(options.get("folder")), Libraries.loadCompiler());
        int target = compiler.target(architecture);
        compiler.prepare(List.of(StatusWord.NOTHING, Landing.DELIVER), target);
        return new Compiling(compiler, target, new Kernels(new Card(architecture, SHARED_BYTES)),
            new AtomicReference<>());
    }

    private static int architecture(String text) {
        if (!text.matches("\\d{2,3}")) {
            throw new IllegalArgumentException("cuda-compile: the architecture must be a compute capability times 10, "
                + "such as 90, but is '" + text + "'");
        }
        return Integer.parseInt(text);
    }

    private record Size(long bytes) implements Buffer {
        @Override
        public void close() { }
    }

    /** @param failure the first, thrown once more when the device is closed: whoever computes may have swallowed it */
    private record Compiling(KernelCompiler compiler, int architecture, Kernels kernels,
        AtomicReference<RuntimeException> failure) implements DeviceDriver {
        @Override
        public String description() {
            return "compiles for compute capability " + architecture / 10 + "." + architecture % 10 + " with NVRTC "
                + compiler.version() + ", computes nothing";
        }

        @Override
        public Target target() {
            return CudaTarget.INSTANCE;
        }

        @Override
        public Buffer allocate(long bytes) {
            return new Size(bytes);
        }

        @Override
        public void write(MemorySegment source, Buffer target, long offset) { }

        @Override
        public void read(Buffer source, MemorySegment target) {
            target.fill((byte) 0);
            for (long at = 0; at < target.byteSize(); at += Long.BYTES) {
                target.set(ValueLayout.JAVA_BYTE, at, (byte) 2);
            }
        }

        @Override
        public Executable compile(Plan plan) {
            try {
                compiler.prepare(Kernels.sources(kernels.prepare(plan)), architecture);
            } catch (RuntimeException e) {
                failure.compareAndSet(null, e);
                throw e;
            }
            return new Executable() {
                @Override
                public void run(Buffer[] externals, long[] scalars) { }

                @Override
                public void dryRun(Buffer[] externals, long[] scalars) { }

                @Override
                public void close() { }
            };
        }

        @Override
        public long liveBytes() {
            return 0;
        }

        @Override
        public void close() {
            RuntimeException first = failure.getAndSet(null);
            if (first != null) {
                throw first;
            }
        }
    }
}
