package org.adjoint.cuda.driver;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * The system's dynamic loader, with what {@link System#load} lacks: libraries whose symbols serve those loaded later,
 * and its own words for what went wrong. The constants are those of glibc.
 */
final class DynamicLoader {
    private static final int NOW = 2;
    private static final int LAZY = 1;
    private static final int GLOBAL = 0x100;
    private static final int LINK_MAP = 2;
    private static final AddressLayout STRING = ValueLayout.ADDRESS
        .withTargetLayout(MemoryLayout.sequenceLayout(Long.MAX_VALUE, ValueLayout.JAVA_BYTE));
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle OPEN = function("dlopen",
        FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    private static final MethodHandle ERROR = function("dlerror", FunctionDescriptor.of(STRING));
    private static final MethodHandle CLOSE = function("dlclose",
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
    private static final MethodHandle SYMBOL = function("dlsym",
        FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
    private static final MethodHandle VERSIONED_SYMBOL = function("dlvsym",
        FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
    private static final MethodHandle INFO = function("dlinfo",
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));

    private DynamicLoader() { }

    private static MethodHandle function(String name, FunctionDescriptor type) {
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), type);
    }

    /** Loads a library with all it needs, and lends its symbols to libraries loaded later. */
    static Library open(Path file) throws Unfit {
        return open(file.toString(), NOW | GLOBAL);
    }

    /** Tries whether a library could be loaded, and unloads it again. Functions it lacks show only when called. */
    static void tryOut(Path file) throws Unfit {
        open(file.toString(), LAZY).close();
    }

    /** Where the loader finds a library by its name alone: LD_LIBRARY_PATH, its cache, its own folders. */
    static Path locate(String name) throws Unfit {
        Library library = open(name, LAZY);
        try {
            return library.path();
        } finally {
            library.close();
        }
    }

    private static Library open(String name, int flags) throws Unfit {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handle = (MemorySegment) OPEN.invokeExact(arena.allocateFrom(name), flags);
            if (handle.address() == 0) {
                MemorySegment error = (MemorySegment) ERROR.invokeExact();
                throw new Unfit(error.address() == 0 ? "the loader gives no reason" : error.getString(0));
            }
            return new Library(handle);
        } catch (Unfit e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** A loaded library. */
    record Library(MemorySegment handle) {
        /** The file that was loaded, as the loader names it. */
        Path path() {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment result = arena.allocate(ValueLayout.ADDRESS);
                if ((int) INFO.invokeExact(handle, LINK_MAP, result) != 0) {
                    throw new AssertionError("dlinfo failed");
                }
                long pointer = ValueLayout.ADDRESS.byteSize();
                MemorySegment linkMap = result.get(ValueLayout.ADDRESS, 0).reinterpret(2 * pointer);
                return Path.of(linkMap.get(STRING, pointer).getString(0));
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
        }

        /** The address of a function, in this library or in one that it needs. */
        Optional<MemorySegment> find(String symbol) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment address = (MemorySegment) SYMBOL.invokeExact(handle, arena.allocateFrom(symbol));
                return address.address() == 0 ? Optional.empty() : Optional.of(address);
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
        }

        /** JCuda's libraries need functions of a version that bears the library's name. */
        void requireVersioned(String symbol, String version) throws Unfit {
            MemorySegment address;
            try (Arena arena = Arena.ofConfined()) {
                address = (MemorySegment) VERSIONED_SYMBOL.invokeExact(handle, arena.allocateFrom(symbol),
                    arena.allocateFrom(version));
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
            if (address.address() == 0) {
                throw new Unfit(find(symbol).isPresent()
                    ? "its functions lack the symbol version " + version + ", which NVIDIA's have"
                    : "it does not export " + symbol);
            }
        }

        /** Calls a function that takes pointers to integers and returns a status, which must be zero. */
        int[] integers(String symbol, int count) throws Unfit {
            MemorySegment address = find(symbol).orElseThrow(() -> new Unfit("it does not export " + symbol));
            MemoryLayout[] parameters = new MemoryLayout[count];
            Arrays.fill(parameters, ValueLayout.ADDRESS);
            MethodHandle call = LINKER.downcallHandle(address, FunctionDescriptor.of(ValueLayout.JAVA_INT, parameters));
            try (Arena arena = Arena.ofConfined()) {
                Object[] results = new Object[count];
                for (int i = 0; i < count; i++) {
                    results[i] = arena.allocate(ValueLayout.JAVA_INT);
                }
                int status = (int) call.invokeWithArguments(results);
                if (status != 0) {
                    throw new Unfit(symbol + " failed with status " + status);
                }
                int[] values = new int[count];
                for (int i = 0; i < count; i++) {
                    values[i] = ((MemorySegment) results[i]).get(ValueLayout.JAVA_INT, 0);
                }
                return values;
            } catch (Unfit e) {
                throw e;
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
        }

        /** Calls a function of an integer that stores another one and returns a status, which must be zero. */
        int property(String symbol, int which) throws Unfit {
            MemorySegment address = find(symbol).orElseThrow(() -> new Unfit("it does not export " + symbol));
            MethodHandle call = LINKER.downcallHandle(address, FunctionDescriptor.of(ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment result = arena.allocate(ValueLayout.JAVA_INT);
                int status = (int) call.invokeExact(which, result);
                if (status != 0) {
                    throw new Unfit(symbol + " failed with status " + status);
                }
                return result.get(ValueLayout.JAVA_INT, 0);
            } catch (Unfit e) {
                throw e;
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
        }

        /** Gives the library back to the loader, which unloads it if nothing else uses it. */
        void close() {
            try {
                int ignored = (int) CLOSE.invokeExact(handle);
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
        }
    }
}
