package org.adjoint.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Whether somebody watches. Java tells it of standard output at best, so the C library is asked. */
public final class Terminal {
    private static final int STANDARD_ERROR = 2;
    private static final int USUAL_WIDTH = 80;
    private static final long LINUX_GET_WINDOW_SIZE = 0x5413;
    private static final long MACOS_GET_WINDOW_SIZE = 0x40087468;

    private Terminal() {}

    /** Whether standard error goes to a terminal. Where that can't be known, as on Windows: no. */
    public static boolean showsErrors() {
        Linker linker = Linker.nativeLinker();
        return linker.defaultLookup().find("isatty").map(address -> {
            try {
                return (int) linker
                        .downcallHandle(address, FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT))
                        .invokeExact(STANDARD_ERROR) == 1;
            } catch (Throwable e) {
                return false;
            }
        }).orElse(false);
    }

    /** Columns of the terminal that standard error goes to; 80 if it does not say. */
    public static int width() {
        Linker linker = Linker.nativeLinker();
        return linker.defaultLookup().find("ioctl").map(address -> {
            long request = System.getProperty("os.name").startsWith("Mac")
                    ? MACOS_GET_WINDOW_SIZE : LINUX_GET_WINDOW_SIZE;
            try (Arena arena = Arena.ofConfined()) {
                // struct winsize { unsigned short ws_row, ws_col, ws_xpixel, ws_ypixel; }
                MemorySegment size = arena.allocate(ValueLayout.JAVA_SHORT, 4);
                int failed = (int) linker.downcallHandle(address,
                        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG,
                                ValueLayout.ADDRESS), Linker.Option.firstVariadicArg(2))
                        .invokeExact(STANDARD_ERROR, request, size);
                int columns = Short.toUnsignedInt(size.getAtIndex(ValueLayout.JAVA_SHORT, 1));
                return failed != 0 || columns == 0 ? USUAL_WIDTH : columns;
            } catch (Throwable e) {
                return USUAL_WIDTH;
            }
        }).orElse(USUAL_WIDTH);
    }
}
