package org.adjoint.cpu;

import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.adjoint.backend.Backend;
import org.adjoint.backend.DeviceDriver;
import org.adjoint.backend.DeviceReport;
import org.adjoint.backend.DeviceUnavailableException;

/**
 * The CPU: one device, {@code cpu}, that is always usable. Options, each with the system property and the environment
 * variable that give its default:
 *
 * <table>
 * <caption>Options</caption>
 * <tr><th>option</th><th>property</th><th>variable</th><th>meaning</th></tr>
 * <tr><td>{@code threads}</td><td>{@code adjoint.cpu.threads}</td><td>{@code ADJOINT_CPU_THREADS}</td>
 *     <td>workers, the calling thread included; as many as there are processors</td></tr>
 * <tr><td>{@code vectorBits}</td><td>{@code adjoint.cpu.vectorBits}</td><td>{@code ADJOINT_CPU_VECTOR_BITS}</td>
 *     <td>128, 256 or 512, or 0 for scalar code; what the machine prefers</td></tr>
 * </table>
 *
 * <p>Neither changes a single bit of any result. Vectors need the module {@code jdk.incubator.vector}: on the module
 * path it is there, on the class path {@code --add-modules jdk.incubator.vector} asks for it; without it everything
 * runs in scalar code, and the backend says so once.
 */
public final class CpuBackend implements Backend {
    private static final System.Logger LOGGER = System.getLogger(CpuBackend.class.getName());
    private static final AtomicBoolean WARNED = new AtomicBoolean();

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public int priority() {
        return 0;
    }

    @Override
    public List<DeviceReport> probe() {
        List<String> details = new ArrayList<>();
        details.add(Machine.text(Machine.memoryBytes()) + " of memory");
        if (!VectorSupport.present()) {
            details.add("scalar code, several times slower than vectors would be; it lacks " + VectorSupport.REMEDY);
        }
        try {
            return List.of(new DeviceReport("cpu", true, describe(CpuOptions.of(Map.of())), details));
        } catch (IllegalArgumentException e) {
            return List.of(new DeviceReport("cpu", false, e.getMessage(), details));
        }
    }

    static String describe(CpuOptions options) {
        return Machine.processor() + ", " + options.threads() + (options.threads() == 1 ? " thread, " : " threads, ")
            + (options.vectorBits() == 0 ? "scalar code" : options.vectorBits() + "-bit vectors");
    }

    @Override
    public DeviceDriver open(int ordinal, Map<String, String> options) {
        if (ordinal != 0) {
            throw new DeviceUnavailableException("cpu:" + ordinal + " does not exist: there is one cpu device, cpu:0");
        }
        CpuOptions parsed = CpuOptions.of(options);
        if (!VectorSupport.present() && WARNED.compareAndSet(false, true)) {
            LOGGER.log(Level.WARNING, "cpu: running scalar code, which is several times slower than vectors would be; "
                + "it lacks " + VectorSupport.REMEDY);
        }
        return new CpuDevice(parsed);
    }
}
