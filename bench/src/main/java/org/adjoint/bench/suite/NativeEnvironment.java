package org.adjoint.bench.suite;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;

/**
 * The environment variables of this process as native libraries see them. Java can't change them, so the C library is
 * asked to; where it can't be, as on Windows, they stay as they are.
 */
final class NativeEnvironment {
    private static final Linker LINKER = Linker.nativeLinker();

    private NativeEnvironment() { }

    static void set(String name, String value) {
        LINKER.defaultLookup().find("setenv").ifPresent(address -> {
            try (Arena arena = Arena.ofConfined()) {
                int failed = (int) LINKER.downcallHandle(address, FunctionDescriptor.of(ValueLayout.JAVA_INT,
                        ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT))
                    .invokeExact(arena.allocateFrom(name), arena.allocateFrom(value), 1);
                require(failed == 0, name);
            } catch (Throwable e) {
                throw new IllegalStateException("the environment variable " + name + " can't be set", e);
            }
        });
    }

    static void unset(String name) {
        LINKER.defaultLookup().find("unsetenv").ifPresent(address -> {
            try (Arena arena = Arena.ofConfined()) {
                int failed = (int) LINKER.downcallHandle(address,
                        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS))
                    .invokeExact(arena.allocateFrom(name));
                require(failed == 0, name);
            } catch (Throwable e) {
                throw new IllegalStateException("the environment variable " + name + " can't be unset", e);
            }
        });
    }

    private static void require(boolean worked, String name) {
        if (!worked) {
            throw new IllegalStateException("the C library refuses to change " + name);
        }
    }
}
