using Microsoft.AspNetCore.Http;

namespace OtlpTap.Receive;

/// <summary>Stands before a listener's handler, and before anything of the body is read.</summary>
/// <param name="refused">Told of each request that is not let in.</param>
internal sealed class AuthenticationGate(Authenticator authenticator, RequestDelegate next, Action refused)
{
    public Task InvokeAsync(HttpContext http)
    {
        // A browser asks without credentials whether it may send them (Fetch, "CORS-preflight fetch"): the handler
        // answers that, and does nothing else for OPTIONS.
        if (HttpMethods.IsOptions(http.Request.Method) && http.Request.Headers.ContainsKey("access-control-request-method"))
        {
            return next(http);
        }

        var answer = authenticator.AuthenticateAsync(http.Request.Headers[authenticator.Header], http.RequestAborted);
        return answer.IsCompletedSuccessfully ? ContinueAsync(http, answer.Result) : WaitAsync(http, answer);
    }

    private async Task WaitAsync(HttpContext http, ValueTask<Authentication> answer) => await ContinueAsync(http, await answer);

    private Task ContinueAsync(HttpContext http, Authentication answer)
    {
        if (answer == Authentication.Accepted)
        {
            return next(http);
        }

        refused();
        return AuthenticationAnswer.WriteAsync(http, answer, authenticator.Challenge);
    }
}
