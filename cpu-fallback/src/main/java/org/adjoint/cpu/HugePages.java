package org.adjoint.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * Memory in pages of 2 MiB, where the operating system is Linux and gives them to those that ask
 * ({@code MADV_HUGEPAGE}): what is read once then costs a fraction of the page walks, and the processor fetches ahead
 * further. Needs native access; without it, nothing is lost but speed.
 */
final class HugePages {
    private static final long PAGE = 2L << 20;
    /** Blocks from here on are worth whole pages. */
    private static final long LEAST = 2 * PAGE;
    private static final int MADV_HUGEPAGE = 14;
    private static final Optional<HugePages> INSTANCE = find();

    private final MethodHandle allocate;
    private final MethodHandle advise;
    private final MethodHandle free;

    private HugePages(Linker linker) {
        allocate = linker.downcallHandle(linker.defaultLookup().findOrThrow("aligned_alloc"),
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
        advise = linker.downcallHandle(linker.defaultLookup().findOrThrow("madvise"), FunctionDescriptor.of(
            ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
        free = linker.downcallHandle(linker.defaultLookup().findOrThrow("free"),
            FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));
    }

    private static Optional<HugePages> find() {
        if (!System.getProperty("os.name").equals("Linux") || !HugePages.class.getModule().isNativeAccessEnabled()) {
            return Optional.empty();
        }
        try {
            return Optional.of(new HugePages(Linker.nativeLinker()));
        } catch (RuntimeException unavailable) {
            return Optional.empty();
        }
    }

    /**
     * {@code bytes} of memory that lives as long as {@code arena}; contents undefined.
     *
     * @throws OutOfMemoryError if there is not so much
     */
    static MemorySegment allocate(Arena arena, long bytes, long alignment) {
        return bytes >= LEAST && INSTANCE.isPresent() ? INSTANCE.get().pages(arena, bytes)
            : arena.allocate(bytes, alignment);
    }

    private MemorySegment pages(Arena arena, long bytes) {
        try {
            long whole = Math.addExact(bytes, PAGE - 1) & -PAGE;
            MemorySegment memory = (MemorySegment) allocate.invokeExact(PAGE, whole);
            if (memory.address() == 0) {
                throw new OutOfMemoryError("Cannot allocate " + bytes + " bytes of native memory");
            }
            // A refusal costs nothing but speed.
            int _ = (int) advise.invokeExact(memory, whole, MADV_HUGEPAGE);
            return memory.reinterpret(bytes, arena, this::free);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("aligned_alloc", e);
        }
    }

    private void free(MemorySegment memory) {
        try {
            free.invokeExact(memory);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("free", e);
        }
    }
}
