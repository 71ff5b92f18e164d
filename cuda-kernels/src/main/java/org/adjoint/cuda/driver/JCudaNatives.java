package org.adjoint.cuda.driver;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import jcuda.JCudaVersion;
import jcuda.LibUtils;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.nvrtc.JNvrtc;

/**
 * Loads JCuda's own libraries, those between Java and CUDA.
 *
 * <p>JCuda would unpack them into {@code java.io.tmpdir} under a fixed name, trust a file that is there already, and
 * find none at all on the module path. So they are unpacked here, through the class loader, into a private folder,
 * which is {@code java.io.tmpdir} for as long as their classes are initialized. They are made for CUDA 12; for
 * another major version the names of the libraries they need are exchanged first. CUDA's own libraries are loaded
 * before, so that the loader recognizes them by their SONAME.
 */
final class JCudaNatives {
    private static final int MADE_FOR = 12;
    private static final String TEMPORARY = "java.io.tmpdir";

    private static final Native DRIVER = new Native(JCudaDriver.class, null);
    private static final Native NVRTC = new Native(JNvrtc.class, "libnvrtc.so.");
    private static final Native CUBLAS = new Native(JCublas2.class, "libcublas.so.");

    private JCudaNatives() { }

    /**
     * One of JCuda's libraries.
     *
     * @param type the class that loads it, whose name it bears
     * @param needed the library of CUDA that it needs, without the major version; null for the driver, which has none
     */
    private record Native(Class<?> type, String needed) {
        byte[] content(int major) throws Unfit {
            byte[] content = read(fileName(type.getSimpleName()));
            return needed == null || major == MADE_FOR ? content
                : SonamePatch.apply(content, needed + MADE_FOR, needed + major);
        }
    }

    /** Loads all to be used with the libraries of this major version of CUDA, which are loaded already. */
    static void load(int major) throws Unfit {
        load(List.of(DRIVER, NVRTC, CUBLAS), major);
    }

    /** Loads what NVRTC of this major version needs, which is loaded already. */
    static void loadCompiler(int major) throws Unfit {
        load(List.of(NVRTC), major);
    }

    private static void load(List<Native> natives, int major) throws Unfit {
        Map<String, byte[]> libraries = new LinkedHashMap<>();
        for (Native each : natives) {
            libraries.put(fileName(each.type.getSimpleName()), each.content(major));
        }
        Map<String, List<Path>> reasons = new LinkedHashMap<>();
        for (Path parent : NativeFolder.parents()) {
            String reason = load(libraries, natives, parent);
            if (reason == null) {
                return;
            }
            reasons.computeIfAbsent(reason, any -> new ArrayList<>()).add(parent);
        }
        List<String> lines = new ArrayList<>();
        reasons.forEach((reason, parents) -> lines.add(reason + " (in " + parents.stream().map(Path::toString)
            .collect(Collectors.joining(", ")) + ")"));
        throw new Unfit("JCuda's own libraries can't be loaded: " + String.join("; ", lines)
            + "; if it is for the folders, set java.io.tmpdir to one of yours that allows execution");
    }

    /** The name of the file in JCuda's jar and in the folder, where JCuda expects it. */
    static String fileName(String library) {
        return LibUtils.createLibraryFileName(LibUtils.createPlatformLibraryName(library + "-" + JCudaVersion.get()));
    }

    /** The content of a library in JCuda's jars, which serve it to their class loader but not to JCuda's module. */
    static byte[] read(String fileName) throws Unfit {
        String resource = "lib/" + fileName;
        for (Class<?> neighbor : List.of(JCudaDriver.class, JCudaNatives.class)) {
            try (InputStream in = neighbor.getClassLoader().getResourceAsStream(resource)) {
                if (in != null) {
                    return in.readAllBytes();
                }
            } catch (IOException e) {
                throw new Unfit(resource + " can't be read from JCuda's jars (" + e + ")");
            }
        }
        throw new Unfit(resource + " is neither on the class path nor on the module path: add org.jcuda:jcuda-natives"
            + " and org.jcuda:jcublas-natives, version " + JCudaVersion.get() + ", classifier linux-x86_64");
    }

    /** Loads them from a folder in {@code parent}; the reason if that does not work there, or else null. */
    private static String load(Map<String, byte[]> libraries, List<Native> natives, Path parent) throws Unfit {
        try (NativeFolder folder = NativeFolder.create(parent)) {
            List<Path> files = new ArrayList<>();
            for (Map.Entry<String, byte[]> library : libraries.entrySet()) {
                files.add(folder.write(library.getKey(), library.getValue()));
            }
            for (Path file : files) {
                try {
                    DynamicLoader.tryOut(file);
                } catch (Unfit e) {
                    return e.getMessage().replace(folder.path() + "/", "");
                }
            }
            initialize(natives, folder.path());
            return null;
        } catch (NativeFolder.Unusable e) {
            return e.getMessage();
        }
    }

    /** A class whose initialization failed can't be used for the rest of the process: all that could fail was tried. */
    private static void initialize(List<Native> natives, Path folder) throws Unfit {
        String before = System.setProperty(TEMPORARY, folder.toString());
        try {
            for (Native each : natives) {
                Class.forName(each.type.getName(), true, each.type.getClassLoader());
            }
        } catch (LinkageError | ClassNotFoundException e) {
            String reason = e.toString().lines().findFirst().orElse("");
            throw new Unfit("JCuda can't be initialized (" + reason + ")"
                + (NativeAccess.isGranted() ? "" : "; start the JVM with " + NativeAccess.option()));
        } finally {
            System.setProperty(TEMPORARY, before);
        }
    }
}
