using Microsoft.AspNetCore.Http;

namespace OtlpTap.Receive;

/// <summary>Stands before a listener's handler, and before anything of the body is read; behind <see cref="HttpFront"/>, which answers what browsers ask without credentials.</summary>
/// <param name="refused">Told of each request that is not let in.</param>
internal sealed class AuthenticationGate(Authenticator authenticator, RequestDelegate next, Action refused)
{
    public Task InvokeAsync(HttpContext http)
    {
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
