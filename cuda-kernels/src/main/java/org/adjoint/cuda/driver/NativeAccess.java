package org.adjoint.cuda.driver;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;

/** The JVM's permission to call native code, which {@code --illegal-native-access=deny} makes it insist on. */
final class NativeAccess {
    private NativeAccess() { }

    private static List<Module> modules() {
        return Stream.of(NativeAccess.class, JCudaDriver.class, JCublas2.class)
            .map(Class::getModule).distinct().toList();
    }

    static boolean isGranted() {
        return modules().stream().allMatch(Module::isNativeAccessEnabled);
    }

    /** The option that grants it, for the modules that these classes happen to be in. */
    static String option() {
        return "--enable-native-access=" + modules().stream()
            .map(module -> module.isNamed() ? module.getName() : "ALL-UNNAMED")
            .distinct().collect(Collectors.joining(","));
    }
}
