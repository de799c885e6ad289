/* Ways to OpenGL without a screen.
 *
 * Debian's VTK knows only X windows, and aborts without a server. So an EGL context without a
 * surface is made here and lent to VTK's generic window, which takes three precautions (measured
 * bit by bit against an X server): glewInit of a GLEW built for GLX loads all functions and then
 * reports that there is no GLX display, which is no failure; the generic window gives the caller's
 * state back at each Render, so that state must be what VTK expects; pictures are read from
 * buffers of its own. */
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <GL/glew.h>

#include <EGL/egl.h>
#include <EGL/eglext.h>

#include <vtkGenericOpenGLRenderWindow.h>
#include <vtkObjectFactory.h>
#include <vtkOpenGLState.h>
#include <vtkXOpenGLRenderWindow.h>

#include "render/vtk_window_internal.h"
#include "util/ctx.h"
#include "util/text.h"

/* X.h has macros that no other header survives: last. */
#include <X11/Xlib.h>

#include <GL/glx.h>

extern char **environ;

namespace {

/* The generic window on the context that is current. */
class LentWindow : public vtkGenericOpenGLRenderWindow {
public:
    vtkTypeMacro(LentWindow, vtkGenericOpenGLRenderWindow);
    static LentWindow *New();
    void OpenGLInitContext() override
    {
        if (Initialized) return;
        GLenum result = glewInit();
        GlewInitValid = result == GLEW_OK || result == GLEW_ERROR_NO_GLX_DISPLAY;
        if (!GlewInitValid) return;
        GLfloat range[2] = {1, 1};
        glGetFloatv(GL_ALIASED_LINE_WIDTH_RANGE, range);
        MaximumHardwareLineWidth = range[1];
        Initialized = true;
    }
};
vtkStandardNewMacro(LentWindow);

class EglRoute : public Route {
public:
    ~EglRoute() override
    {
        if (display == EGL_NO_DISPLAY) return;
        eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
        if (context != EGL_NO_CONTEXT) eglDestroyContext(display, context);
        eglTerminate(display);
    }

    /* "", or what failed. gpu < 0: the software renderer. */
    std::string open(int64_t gpu)
    {
        auto get_display = reinterpret_cast<PFNEGLGETPLATFORMDISPLAYEXTPROC>(
            eglGetProcAddress("eglGetPlatformDisplayEXT"));
        if (!get_display) return "EGL has no platforms";
        if (gpu >= 0) {
            auto query = reinterpret_cast<PFNEGLQUERYDEVICESEXTPROC>(
                eglGetProcAddress("eglQueryDevicesEXT"));
            EGLDeviceEXT devices[64];
            EGLint n = 0;
            if (!query || !query(64, devices, &n)) return "EGL lists no devices";
            if (gpu >= n)
                return "EGL has " + std::to_string(n) + " device" + (n == 1 ? "" : "s") +
                       ", counted from 0";
            display = get_display(EGL_PLATFORM_DEVICE_EXT, devices[gpu], nullptr);
        } else {
            display = get_display(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, nullptr);
        }
        EGLint major, minor, n = 0;
        if (display == EGL_NO_DISPLAY || !eglInitialize(display, &major, &minor)) {
            display = EGL_NO_DISPLAY;
            return "EGL finds no driver";
        }
        const EGLint wish[] = {EGL_SURFACE_TYPE, EGL_PBUFFER_BIT, EGL_RENDERABLE_TYPE,
                               EGL_OPENGL_BIT, EGL_NONE};
        const EGLint version[] = {EGL_CONTEXT_MAJOR_VERSION, 3, EGL_CONTEXT_MINOR_VERSION, 2,
                                  EGL_CONTEXT_OPENGL_PROFILE_MASK,
                                  EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT, EGL_NONE};
        EGLConfig config;
        if (!eglBindAPI(EGL_OPENGL_API) || !eglChooseConfig(display, wish, &config, 1, &n) || n < 1)
            return "EGL has no configuration for OpenGL";
        context = eglCreateContext(display, config, EGL_NO_CONTEXT, version);
        if (context == EGL_NO_CONTEXT) return "EGL has no OpenGL 3.2";
        if (!eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, context))
            return "EGL cannot do without a surface";
        return "";
    }

    vtkSmartPointer<vtkRenderWindow> window() override
    {
        vtkSmartPointer<LentWindow> made = vtkSmartPointer<LentWindow>::New();
        made->SetReadyForRendering(true);
        made->SetIsCurrent(true);
        made->SetSupportsOpenGL(1);
        made->OpenGLInit();
        glDepthFunc(GL_LEQUAL);
        glEnable(GL_DEPTH_TEST);
        glEnable(GL_BLEND);
        glPixelStorei(GL_PACK_ALIGNMENT, 1);
        glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
        made->GetState()->Reset();
        made->SetOffScreenRendering(1);
        made->SetUseOffScreenBuffers(true);
        return made;
    }

private:
    EGLDisplay display = EGL_NO_DISPLAY;
    EGLContext context = EGL_NO_CONTEXT;
};

/* An X server that lives as long as this. */
class XvfbRoute : public Route {
public:
    ~XvfbRoute() override
    {
        if (pid <= 0) return;
        kill(pid, SIGTERM);
        waitpid(pid, nullptr, 0);
    }

    const char *open()
    {
        int ends[2];
        if (pipe(ends) != 0) return "no pipe";
        fcntl(ends[0], F_SETFD, FD_CLOEXEC);
        std::string number = std::to_string(ends[1]);
        /* Without -noreset it would start anew when its first client leaves, as VTK comes. */
        char *words[] = {const_cast<char *>("Xvfb"), const_cast<char *>("-noreset"),
                         const_cast<char *>("-displayfd"), &number[0],
                         const_cast<char *>("-screen"), const_cast<char *>("0"),
                         const_cast<char *>("64x64x24"), const_cast<char *>("-nolisten"),
                         const_cast<char *>("tcp"), nullptr};
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
        int code = posix_spawnp(&pid, "Xvfb", &actions, nullptr, words, environ);
        posix_spawn_file_actions_destroy(&actions);
        close(ends[1]);
        std::string name = ":";
        struct pollfd wait = {ends[0], POLLIN, 0};
        char digit;
        while (code == 0 && poll(&wait, 1, 10000) > 0 && read(ends[0], &digit, 1) == 1 &&
               digit != '\n')
            name += digit;
        close(ends[0]);
        if (code != 0) {
            pid = 0;
            return "Xvfb is not installed";
        }
        /* VTK aborts if it cannot reach the server: ask first. */
        Display *x = name.size() > 1 ? XOpenDisplay(name.c_str()) : nullptr;
        if (!x) return "Xvfb does not start";
        bool draws = has_opengl(x);
        XCloseDisplay(x);
        if (!draws) return "Xvfb has no OpenGL";
        setenv("DISPLAY", name.c_str(), 1);
        return nullptr;
    }

    vtkSmartPointer<vtkRenderWindow> window() override
    {
        vtkSmartPointer<vtkXOpenGLRenderWindow> made =
            vtkSmartPointer<vtkXOpenGLRenderWindow>::New();
        made->SetOffScreenRendering(1);
        return made;
    }

private:
    /* VTK aborts without a context, too. */
    static bool has_opengl(Display *x)
    {
        const int wish[] = {GLX_RENDER_TYPE, GLX_RGBA_BIT, None};
        int n = 0;
        if (!glXQueryExtension(x, nullptr, nullptr)) return false;
        GLXFBConfig *configs = glXChooseFBConfig(x, DefaultScreen(x), wish, &n);
        GLXContext context =
            n > 0 ? glXCreateNewContext(x, configs[0], GLX_RGBA_TYPE, nullptr, True) : nullptr;
        if (context) glXDestroyContext(x, context);
        if (configs) XFree(configs);
        return context != nullptr;
    }

    pid_t pid = 0;
};

}

enum bm_status open_route(struct bm_ctx *ctx, std::unique_ptr<Route> *route)
{
    const char *wish = getenv("BRAINMINE_RENDER");
    std::string why = "";
    int64_t number = -1;
    if (!wish) wish = "";
    bool gpu = strncmp(wish, "gpu:", 4) == 0 && bm_parse_int(wish + 4, &number) && number >= 0;
    if (*wish && !gpu && strcmp(wish, "egl") != 0 && strcmp(wish, "xvfb") != 0)
        return bm_fail(ctx, BM_EUSAGE, "BRAINMINE_RENDER wants egl, gpu:N or xvfb, got '%.40s'",
                       wish);
    if (strcmp(wish, "xvfb") != 0) {
        auto egl = std::make_unique<EglRoute>();
        std::string failed = egl->open(number);
        if (failed.empty()) {
            const GLubyte *device = glGetString(GL_RENDERER);
            bm_log(ctx, BM_LOG_INFO, "draws through EGL without a surface%s%s: %s",
                   gpu ? ", device " : "", gpu ? wish + 4 : "",
                   device ? reinterpret_cast<const char *>(device) : "unknown device");
            *route = std::move(egl);
            return BM_OK;
        }
        if (gpu)
            return bm_fail(ctx, BM_EUNSUP, "BRAINMINE_RENDER=%s: %s", wish, failed.c_str());
        why = failed;
    }
    if (!*wish || strcmp(wish, "xvfb") == 0) {
        auto x = std::make_unique<XvfbRoute>();
        const char *failed = x->open();
        if (!failed) {
            bm_log(ctx, BM_LOG_INFO, "draws through a virtual X server (Xvfb)%s%s",
                   why.empty() ? "" : ": ", why.c_str());
            *route = std::move(x);
            return BM_OK;
        }
        why += (why.empty() ? "" : "; ") + std::string(failed);
    }
    return bm_fail(ctx, BM_EUNSUP, "no way to OpenGL (%s): install libegl1 and libgl1-mesa-dri, or "
                   "xvfb", why.c_str());
}
