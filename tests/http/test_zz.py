import time
from tests.http.office import *
from sqlalchemy import text
async def test_x(office):
    import orjson
    n=300
    await office.send()
    t=time.perf_counter(); c=time.process_time()
    for i in range(n): await office.send(to=f"p{i}@example.com", dedupeKey=f"k{i}")
    print("send/request ms", (time.perf_counter()-t)/n*1000, "cpu", (time.process_time()-c)/n*1000)
    t=time.perf_counter()
    for i in range(100): await office.get("/healthz")
    print("healthz ms", (time.perf_counter()-t)/100*1000)
    t=time.perf_counter()
    for i in range(100): await office.get("/v1/sends?limit=50")
    print("list 50 ms", (time.perf_counter()-t)/100*1000)
    N=300000
    mb=(await office.get("/v1/mailboxes/agent")).json()
    def seed(c):
        rows=[dict(id=f"send_01K{i:023d}",t=mb["tenantId"],m=mb["id"],at=1700000000000+i*1000,d="approved" if i%100 else "blocked", r=f"p{i%50000}@example.com") for i in range(N)]
        c.execute(text("INSERT INTO sends (id,tenant_id,mailbox_id,received_at,decision,to_header,subject,message_id,campaign,source) VALUES (:id,:t,:m,:at,:d,:r,'A subject',:id,'spring','smtp')"), rows)
        c.execute(text("INSERT INTO deliveries (send_id,n,tenant_id,mailbox_id,recipient,recipient_key,domain,state,updated_at,queued_at) VALUES (:id,1,:t,:m,:r,:r,'example.com',CASE WHEN substr(:id,-3)='777' THEN 'bounced' ELSE 'delivered' END,:at,:at)"), rows)
        c.execute(text("INSERT INTO events (at,tenant_id,mailbox_id,send_id,n,type,recipient) VALUES (:at,:t,:m,:id,1,'delivery.delivered',:r)"), rows)
    await office.house.write(seed)
    for q in ("/v1/sends?limit=50","/v1/sends?state=bounced","/v1/sends?state=blocked","/v1/sends?state=held","/v1/sends?recipient=p77@example.com","/v1/sends?mailboxId=agent","/v1/sends?campaign=spring","/v1/sends?reason=suppressed","/v1/events?limit=100","/v1/events?types=send.blocked","/v1/events?since=2023-12-01T00:00:00Z","/v1/mailboxes","/v1/suppressions","/metrics","/v1/analytics/outcomes?period=30d","/v1/analytics/outcomes?period=30d&groupBy=campaign","/v1/analytics/reputation","/v1/sends?state=delivered&mailboxId=agent", "/v1/sends?recipient=p77@example.com&state=blocked", "/v1/events?mailboxId=clerk"):
        t=time.perf_counter(); r=await office.get(q); print(q, r.status_code, round((time.perf_counter()-t)*1000,1))
        if r.json.__name__ and 'json' in r.headers['content-type'] and r.json().get('nextCursor') and 'sends' in q:
            t=time.perf_counter(); r2=await office.get(q+("&" if "?" in q else "?")+"cursor="+r.json()['nextCursor']); print("   next", round((time.perf_counter()-t)*1000,1))
