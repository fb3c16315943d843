def test_smoke(company):
    from signing_core.flow import Role
    for role in (Role.FIRST_PARTY, Role.CLIENT):
        if role is Role.FIRST_PARTY:
            doc, token = company.sent()
        else:
            company.play.deliver(); token = company.play.token(role)
        v = company.visitor()
        p = v.get(f"/s/{token}"); assert p.status_code == 200, p.text
        p = v.submit(p); print(p.url, p.status_code, len(p.text)); assert "Read the document" in p.text
        key = p.url.path
        img = v.get(key + "/page/1"); print(img.status_code, len(img.content), img.headers)
        img = v.get(key + "/page/1?x=2"); print(img.status_code, len(img.content))
        tx = v.get(key + "/text"); assert "Sample contract" in tx.text
        p = v.submit(p, "/code"); print(p.url)
        company.play.deliver()
        p = v.submit(p, "/confirm", code=company.play.code(role)); print(p.url, p.status_code)
        p = v.submit(p, "/signature", kind="name", name="Erika Mustermann", style="caveat", stamp="made"); print(p.url, p.status_code); assert "Sign now" in p.text
        p = v.submit(p, "/consent", agree="yes"); print(p.url, p.status_code); assert "You have signed" in p.text
        st = company.desk.work_on(doc); print(st.status)
        company.play.deliver()
        p = v.get(p.url); print(p.text[-900:])
    final = v.get(str(p.url.path).replace("done", "document")); print(final.headers, len(final.content))
    import re
    q = company.desk.events(doc)[-1]
    qr = next(e for e in company.desk.events(doc) if e.type == "document.completed").data["qr_text"]
    print(qr)
    p = v.get("/V/" + qr.rpartition("/")[2]); print(p.status_code); print(p.text)
    r = v.submit(p, files={"file": ("a.pdf", final.content, "application/pdf")}); print(r.status_code, re.search("<h1>.*</h1>", r.text)[0])
    r = v.submit(v.get("/verify"), files={"file": ("a.pdf", final.content, "application/pdf")}); print(r.status_code, r.text)
    r = v.post("/api/verify", content=final.content, headers={"content-type": "application/pdf"}); print(r.status_code, r.text[:200])
