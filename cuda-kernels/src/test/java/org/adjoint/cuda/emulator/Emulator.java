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
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;

/**
 * A CUDA device for tests on machines that have none: libraries that bear the names of CUDA's, compiled by g++ from this
 * module's test sources, in which kernels run on the processor, one thread after another, and are checked for what a card
 * would let pass. One per process, as the libraries are.
 *
 * <p>After {@link #start} the system property {@code adjoint.cuda.libraries} names their folder, so that opening a CUDA
 * device finds them before any other.
 */
@SuppressWarnings("restricted") // the emulator is a native library
public final class Emulator {
    /** The threads of a block take turns in one order, or each launch is run in several, whose results are compared. */
    public enum Order { FORWARD, ALL }

    /**
     * A function of the kernels' sources.
     *
     * @param name {@code "softmax.cu:12:softmax_row"}, or for a kernel {@code "softmax.cu:20:kernel softmax_forward_f32"}
     * @param entered whether a thread has run it
     */
    public record Function(String name, boolean entered) { }

    /** Every fallible call, in place of the name of one. */
    public static final String ANY_CALL = "*";

    private static final String LIBRARIES_PROPERTY = "adjoint.cuda.libraries";
    private static Emulator started;

    private final Path folder;
    private final SymbolLookup driver;

    private Emulator(Path folder) {
        this.folder = folder;
        this.driver = SymbolLookup.libraryLookup(folder.resolve("libcuda.so.1"), Arena.global());
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
            Path folder = libraries(12);
            System.setProperty(LIBRARIES_PROPERTY, folder.toString());
            started = new Emulator(folder);
        }
        return started;
    }

    /**
     * The folder of stand-ins for CUDA {@code major}'s libraries, built if need be, for a process of its own.
     *
     * @param major 12 or 13
     */
    public static Path libraries(int major) {
        return new EmulatorBuild().libraries(major);
    }

    /** The folder of the libraries. */
    public Path folder() {
        return folder;
    }

    /** As if the process had just started: no context, no memory, no fault, nothing counted, everything checked. */
    public void reset() {
        callVoid("emulator_reset");
    }

    /**
     * Makes a call fail once.
     *
     * @param call such as {@code "cuMemAlloc_v2"}, or {@link #ANY_CALL}
     * @param nth 1 for the next one
     * @param code the status that it returns, of the library that it belongs to
     */
    public void failAt(String call, int nth, int code) {
        try (Arena arena = Arena.ofConfined()) {
            callVoid("emulator_fail_at", arena.allocateFrom(call), nth, code);
        }
    }

    /** How often a fallible call was made since {@link #reset}. */
    public long calls(String call) {
        try (Arena arena = Arena.ofConfined()) {
            return (long) call(ValueLayout.JAVA_LONG, "emulator_calls", arena.allocateFrom(call));
        }
    }

    /** How many bytes the device has. */
    public void capacity(long bytes) {
        callVoid("emulator_capacity", bytes);
    }

    public void order(Order order) {
        callVoid("emulator_order", order.ordinal());
    }

    /** Whether each access to memory is checked; without, kernels run faster. */
    public void checks(boolean on) {
        callVoid("emulator_checks", on ? 1 : 0);
    }

    /** What the emulator found wrong first since {@link #reset}, with file, line, block and thread; empty if nothing. */
    public String lastFault() {
        return text("emulator_last_fault");
    }

    /** Bytes of device memory that are allocated. */
    public long liveBytes() {
        return (long) call(ValueLayout.JAVA_LONG, "emulator_live_bytes");
    }

    /** The functions of every module that this process has loaded. */
    public List<Function> coverage() {
        return text("emulator_coverage").lines()
            .map(line -> new Function(line.substring(2), line.charAt(0) == '1'))
            .collect(Collectors.toList());
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

    private Object invoke(FunctionDescriptor descriptor, String function, Object... arguments) {
        try {
            return Linker.nativeLinker().downcallHandle(driver.findOrThrow(function), descriptor)
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
