package org.adjoint.cuda.driver;

import java.util.HashMap;
import java.util.Map;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.adjoint.cuda.launch.Source;

/**
 * The modules that a card has loaded, kept until it is closed: some tens of kilobytes of its memory each, where caches
 * above bound how many sources there are.
 */
final class Modules {
    private final Context context;
    private final Map<Source, Module> modules = new HashMap<>();

    private record Module(CUmodule handle, Map<String, Kernel> kernels) { }

    Modules(Context context) {
        this.context = context;
    }

    boolean has(Source source) {
        return modules.containsKey(source);
    }

    /** @param cubin what {@code source} compiled to; may be null if the module is loaded */
    Kernel kernel(Source source, String function, byte[] cubin) {
        Module module = modules.get(source);
        if (module == null) {
            module = new Module(load(source, cubin), new HashMap<>());
            modules.put(source, module);
        }
        Kernel kernel = module.kernels.get(function);
        if (kernel == null) {
            CUfunction handle = new CUfunction();
            context.check(JCudaDriver.cuModuleGetFunction(handle, module.handle, function), "cuModuleGetFunction",
                "of " + function + " in " + source.name());
            kernel = new Kernel(function, handle);
            module.kernels.put(function, kernel);
        }
        return kernel;
    }

    private CUmodule load(Source source, byte[] cubin) {
        CUmodule handle = new CUmodule();
        context.check(context.retried(() -> JCudaDriver.cuModuleLoadData(handle, cubin),
            CUresult.CUDA_ERROR_OUT_OF_MEMORY), "cuModuleLoadData", "of " + source.name());
        return handle;
    }

    void release() {
        modules.values().forEach(module -> JCudaDriver.cuModuleUnload(module.handle));
        modules.clear();
    }
}
