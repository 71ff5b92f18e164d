package org.adjoint.cuda.emulator;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;

/**
 * A CUDA device for tests on machines that have none: libraries that bear the names of CUDA's, compiled by g++ from
 * this module's test sources, in which kernels run on the processor, one thread after another, and are checked for what
 * a card would let pass. One per process, as the libraries are.
 *
 * <p>After {@link #start} the system property {@code adjoint.cuda.libraries} names their folder, so that opening a CUDA
 * device finds them before any other.
 */
@SuppressWarnings("restricted") // the emulator is a native library
public final class Emulator {
    /** The threads of a block take turns in one order, or each launch is run in several, whose results are compared. */
    public enum Order { FORWARD, ALL }

    /** Every fallible call, in place of the name of one. */
    public static final String ANY_CALL = "*";

    private static final String LIBRARIES_PROPERTY = "adjoint.cuda.libraries";
    private static Emulator started;

    private final Path folder;
    private SymbolLookup driver;

    private Emulator(Path folder) {
        this.folder = folder;
    }

    /** Whether the emulator can run here: on Linux x86-64, with g++. */
    public static boolean isAvailable() {
        return EmulatorBuild.isPossible();
    }

    /** Skips the running test, loudly, where the emulator can't run; otherwise starts it. */
    public static Emulator require() {
        if (!isAvailable()) {
            String message = "SKIPPED: the CUDA kernels are not tested, for their emulator needs Linux x86-64 and g++";
            System.err.println(message);
            Assumptions.abort(message);
        }
        return start();
    }

    /** The emulator, built if need be. */
    public static synchronized Emulator start() {
        if (started == null) {
            started = use(libraries(12));
        }
        return started;
    }

    /** As {@link #start}, with libraries that {@link #libraries} gave. */
    public static synchronized Emulator use(Path folder) {
        System.setProperty(LIBRARIES_PROPERTY, folder.toString());
        started = new Emulator(folder);
        return started;
    }

    /**
     * The folder of stand-ins for CUDA {@code major}'s libraries, built if need be, for a process of its own.
     *
     * @param major 12 or 13
     */
    public static synchronized Path libraries(int major) {
        return new EmulatorBuild().libraries(major);
    }

    /** The folder of the libraries. */
    public Path folder() {
        return folder;
    }

    /** As if the process had just started: no context, memory or fault, nothing counted, the settings as they were. */
    public void reset() {
        callVoid("emulator_reset");
    }

    /**
     * Makes a call fail once.
     *
     * @param call such as {@code "cuMemAlloc"}, without the version that is part of its symbol; {@code "kernel"} and
     *     {@code "copy"} fail when they run, long after the call; or {@link #ANY_CALL}
     * @param nth 1 for the next one
     * @param code the status that it returns, of the library that it belongs to
     */
    public void failAt(String call, int nth, int code) {
        try (Arena arena = Arena.ofConfined()) {
            callVoid("emulator_fail", arena.allocateFrom(call), nth, code);
        }
    }

    /** Takes back what {@link #failAt} ordered and has not come to pass. */
    public void failNoMore() {
        callVoid("emulator_fail", MemorySegment.NULL, 0, 0);
    }

    /** The fallible calls since {@link #reset} or {@link #forgetCalls}, in order. */
    public List<String> calls() {
        return text("emulator_calls").lines().toList();
    }

    public void forgetCalls() {
        callVoid("emulator_forget_calls");
    }

    /** How many bytes the device has. */
    public void capacity(long bytes) {
        callVoid("emulator_capacity", bytes);
    }

    public void order(Order order) {
        callVoid("emulator_orders", order == Order.ALL ? 1 : 0);
    }

    /** How many devices there are. */
    public void devices(int count) {
        callVoid("emulator_devices", count);
    }

    /**
     * What kind of card it is.
     *
     * @param architecture compute capability times 10
     */
    public void device(int architecture, int multiprocessors) {
        callVoid("emulator_device", architecture / 10, architecture % 10, multiprocessors);
    }

    /**
     * The newest CUDA that the driver serves.
     *
     * @param version 12060 for CUDA 12.6
     */
    public void driver(int version) {
        callVoid("emulator_driver", version);
    }

    /**
     * What the emulator found wrong first since {@link #reset} or {@link #forgive}, beginning with its kind, with file,
     * line, kernel, block, thread and order; empty if nothing.
     */
    public String fault() {
        return text("emulator_report");
    }

    /** The kind of {@link #fault}, such as {@code "out-of-bounds"}; empty if there is none. */
    public String faultKind() {
        return text("emulator_kind");
    }

    /** Forgets {@link #fault}; the context that it befell stays failed. */
    public void forgive() {
        callVoid("emulator_forgive");
    }

    /** Bytes of device memory that are allocated. */
    public long liveBytes() {
        return (long) call(ValueLayout.JAVA_LONG, "emulator_live_bytes");
    }

    /** How many allocations of device memory there are. */
    public long liveAllocations() {
        return (long) call(ValueLayout.JAVA_LONG, "emulator_live_allocations");
    }

    /** Part of an allocation holds nothing from now on: touching it is a fault. For memory that is divided further. */
    public void dead(long address, long bytes) {
        callVoid("emulator_dead", address, bytes);
    }

    /** Part of an allocation that was {@link #dead} may be used again; nothing has been written to it yet. */
    public void live(long address, long bytes) {
        callVoid("emulator_live", address, bytes);
    }

    /** How often each kernel was launched since {@link #reset}. */
    public Map<String, Long> launches() {
        return text("emulator_kernels").lines().map(line -> line.split(" ", 2))
            .collect(Collectors.toMap(parts -> parts[1], parts -> Long.valueOf(parts[0])));
    }

    /**
     * Every function of the kernel sources that this process has loaded, {@code "softmax.cu:12:softmax_row"}, and
     * kernels {@code "softmax.cu:20:kernel softmax_forward_f32"}, whether they ran or not.
     */
    public Set<String> functions() {
        return text("emulator_functions").lines().collect(Collectors.toCollection(TreeSet::new));
    }

    /** Those of {@link #functions} that a thread has run. */
    public Set<String> entered() {
        return text("emulator_entered").lines().collect(Collectors.toCollection(TreeSet::new));
    }

    private String text(String function) {
        MemorySegment text = (MemorySegment) call(ValueLayout.ADDRESS, function);
        return text.reinterpret(Long.MAX_VALUE).getString(0);
    }

    private Object call(MemoryLayout result, String function, Object... arguments) {
        return invoke(FunctionDescriptor.of(result, layouts(arguments)), function, arguments);
    }

    private void callVoid(String function, Object... arguments) {
        invoke(FunctionDescriptor.ofVoid(layouts(arguments)), function, arguments);
    }

    /** Loaded at the first question to it: before, the backend under test may be about to find it. */
    private synchronized SymbolLookup driver() {
        if (driver == null) {
            driver = SymbolLookup.libraryLookup(folder.resolve("libcuda.so.1"), Arena.global());
        }
        return driver;
    }

    private Object invoke(FunctionDescriptor descriptor, String function, Object... arguments) {
        try {
            return Linker.nativeLinker().downcallHandle(driver().findOrThrow(function), descriptor)
                .invokeWithArguments(arguments);
        } catch (Throwable e) {
            throw new IllegalStateException(function + " of the emulator failed", e);
        }
    }

    private static MemoryLayout[] layouts(Object... arguments) {
        return Arrays.stream(arguments).map(it -> switch (it) {
            case Integer _ -> ValueLayout.JAVA_INT;
            case Long _ -> ValueLayout.JAVA_LONG;
            case MemorySegment _ -> ValueLayout.ADDRESS;
            default -> throw new IllegalArgumentException(it.getClass().getName());
        }).toArray(MemoryLayout[]::new);
    }
}
